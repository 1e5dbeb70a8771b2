"""``votewise evaluate benchmark``: benchmarks of lm-evaluation-harness on a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from votewise.cli.evaluate_options import FOLDER, FiguresAsJson
from votewise.cli.options import Defaults, Quiet
from votewise.workflows import evaluate_benchmark as workflow

DEFAULTS = Defaults(workflow.evaluate_benchmark)

Tasks = Annotated[
    str,
    typer.Argument(
        metavar="TASKS",
        help="Tasks of lm-evaluation-harness, for example `mmlu,gsm8k`; `lm-eval ls tasks` lists them.",
        show_default=False,
    ),
]
Model = Annotated[
    str,
    typer.Option(
        metavar="MODEL",
        help="A model's folder, with or without a LoRA adapter, or its name on the Hub.",
        show_default=False,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="The folder of the evaluation.json to add the figures to.", show_default=str(FOLDER)
    ),
]
FewShot = Annotated[
    int | None,
    typer.Option(metavar="NUMBER", help="The number of examples in the prompt.", show_default="the task's own"),
]
Limit = Annotated[
    float | None,
    typer.Option(
        metavar="NUMBER", help="Run only this many examples of each task, or, below 1, this share.", show_default="all"
    ),
]
BatchSize = Annotated[str, typer.Option(metavar="NUMBER|auto", help="How many examples the model reads at a time.")]
Device = Annotated[
    str | None, typer.Option(metavar="NAME", help="Where the model runs.", show_default="a GPU if there is one")
]
Dtype = Annotated[str, typer.Option(metavar="NAME", help="The number format of the model's weights.")]
ApplyChatTemplate = Annotated[
    bool, typer.Option("--chat-template", help="Apply the model's chat template to the prompts.")
]
Include = Annotated[
    Path | None, typer.Option(metavar="DIR", help="A folder with tasks of your own.", show_default=False)
]
Seed = Annotated[int, typer.Option(metavar="NUMBER", help="The seed of everything random.")]


def benchmark(
    tasks: Tasks,
    model: Model,
    out: Out = None,
    few_shot: FewShot = None,
    limit: Limit = None,
    batch_size: BatchSize = DEFAULTS.batch_size,
    device: Device = None,
    dtype: Dtype = DEFAULTS.dtype,
    chat_template: ApplyChatTemplate = DEFAULTS.chat_template,
    include: Include = None,
    seed: Seed = DEFAULTS.seed,
    quiet: Quiet = False,
    as_json: FiguresAsJson = False,
) -> None:
    """Run benchmarks on a model, with lm-evaluation-harness.

    Adds the figures and their standard errors to evaluation.json. Needs the extra: `pip install 'votewise[eval]'`.

    **Examples:**

    `votewise evaluate benchmark mmlu,gsm8k --model runs/qwen --batch-size 8`

    `votewise evaluate benchmark gsm8k --model Qwen/Qwen2.5-0.5B-Instruct --limit 50 --chat-template`
    """
    from votewise.cli.printing.common import print_json
    from votewise.cli.printing.evaluate import print_benchmark
    from votewise.cli.printing.progress import ProgressBar

    with ProgressBar(quiet=quiet) as bar:
        found = workflow.evaluate_benchmark(
            tasks,
            model=model,
            out=out or FOLDER,
            few_shot=few_shot,
            limit=limit,
            batch_size=batch_size,
            device=device,
            dtype=dtype,
            chat_template=chat_template,
            include=include,
            seed=seed,
            progress=bar,
        )
    if as_json:
        print_json(found.figures)
    elif not quiet:
        print_benchmark(found)
