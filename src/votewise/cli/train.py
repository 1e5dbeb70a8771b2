"""``votewise train``: votes -> a model, and what it learnt of the annotators."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from votewise.errors import VotewiseError

CONTEXT = {"ignore_unknown_options": True, "allow_extra_args": True}
"""How the command is registered: flags that are not listed here are the training script's."""

NEEDED = ("torch", "transformers", "trl", "accelerate", "peft", "datasets")

Recipe = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A YAML file of settings; flags go before what it says.", show_default=False),
]
Source = Annotated[
    str | None,
    typer.Option(
        metavar="VOTES",
        help="What to train on, in any format that `votewise formats` lists, in place of TRL's `dataset_name` or "
        "`datasets`.",
        show_default=False,
    ),
]
Beliefs = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="What `votewise audit` wrote about these votes: its reliabilities are where training starts. With "
        "`--beliefs_use fixed` its confidences are the weights, to the end.",
        show_default=False,
    ),
]
Processes = Annotated[
    int | None,
    typer.Option(
        "--num-processes",
        "--num_processes",
        metavar="NUMBER",
        help="Processes to train in; with more than one, accelerate launches them.",
        show_default="one per GPU",
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        "--accelerate-config",
        "--accelerate_config",
        metavar="NAME|FILE",
        help="How accelerate launches: `single_gpu`, `multi_gpu`, `fsdp2`, `zero3`, or a file of `accelerate config`.",
        show_default=False,
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        "--dry_run",
        help="Say what would be trained on (rows, votes, annotators, lengths, steps, memory) and stop; nothing is loaded "
        "but the tokenizer.",
    ),
]


def train(
    context: typer.Context,
    config: Recipe = None,
    votes: Source = None,
    beliefs: Beliefs = None,
    num_processes: Processes = None,
    accelerate_config: Preset = None,
    dry_run: DryRun = False,
) -> None:
    """Train a model on votes of which many are wrong, and learn on the way whose to believe.

    Takes every flag and every line of YAML that `trl dpo` takes, such as `--model_name_or_path`, `--learning_rate` or
    `--use_peft`, and those of `accelerate launch`. Needs the extra: `pip install 'votewise[train]'`. Beside the model it
    writes annotators.parquet, votes.parquet and report.html, as `votewise audit` does.

    **Settings of its own**, as flags or in YAML: `preference_loss` (dpo, ipo, simpo, cpo), `objective` (weighted, gibbs,
    plain, smoothed, rdpo, holder), `beta`, `simpo_gamma`, `cpo_alpha`, `cpo_per_token`, `holder_gamma`,
    `reliability_init`, `reliability_update` (step, epoch, frozen), `reliability_margins` (first, current),
    `reliability_momentum`, `reliability_prior`, `temperature`, `annotator_column`, `one_row_per` (pair, vote), `beliefs`,
    `beliefs_use` (start, fixed), `allow_worse_than_chance`, `write_beliefs`, `fast_step`, `packed_attention`,
    `answer_projection`, `reference_cache`, `votes`, `votes_format`, `eval_votes`, `ref_model_name_or_path`.
    `python -m votewise.train.script --help` explains them all, and TRL's.

    **Examples:**

    `votewise train --config recipes/convincing.yaml --dry-run`

    `votewise train --config recipe.yaml --learning_rate 5e-7 --beliefs audit/votes`

    `votewise train --votes votes.parquet --model_name_or_path Qwen/Qwen2.5-0.5B --accelerate-config fsdp2`
    """
    try:
        from votewise.train.launch import run
    except ModuleNotFoundError as error:
        if error.name not in NEEDED:
            raise
        raise VotewiseError(f"training needs {error.name}: pip install 'votewise[train]'") from error

    given = {
        "--config": config,
        "--votes": votes,
        "--beliefs": beliefs,
        "--num_processes": num_processes,
        "--accelerate_config": accelerate_config,
    }
    flags = [word for name, value in given.items() if value is not None for word in (name, str(value))]
    run([*flags, *(["--dry_run", "True"] if dry_run else []), *context.args])
