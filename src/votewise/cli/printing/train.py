"""What ``votewise train`` prints at the end."""

from __future__ import annotations

import sys

from votewise.cli.printing.common import say
from votewise.workflows.train import TrainResult


def print_training(result: TrainResult) -> None:
    """Print what a dry run found, or where the model is; processes that accelerate started print this themselves."""
    if result.facts is not None:
        from votewise.train.inspection import render
        from votewise.train.shown_rows import has_colours, render_rows

        say(render(result.facts))
        print(render_rows(result.facts.first, colours=has_colours(sys.stdout)))
    elif result.trainer is not None and result.trainer.is_world_process_zero():
        say(f"The model is in {result.output_dir}.")
