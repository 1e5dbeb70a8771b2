"""``votewise score``: pairs of answers -> their scores and margins."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from votewise.cli.model_options import BatchSize, ChatTemplate, Device, DryRun, Dtype, Restart
from votewise.cli.options import (
    AsJson,
    AtErrorBeside,
    Columns,
    Criterion,
    Defaults,
    FormatName,
    Label,
    OneAnnotator,
    Quiet,
    Split,
    parse_columns,
    parse_label,
)
from votewise.workflows import score as workflow

DEFAULTS = Defaults(workflow.score)

Source = Annotated[
    str,
    typer.Argument(
        metavar="PAIRS",
        help="What to score: votes in any format that `votewise formats` lists, or a table with `response_a` and "
        "`response_b`, such as the comparisons that `votewise generate` writes.",
        show_default=False,
    ),
]
Out = Annotated[
    Path, typer.Option(metavar="FILE", help="Where to write: a .jsonl or .parquet file.", show_default=False)
]
Reward = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL",
        help="A reward model: a sequence classifier with one output, in a folder or on the Hub.",
        show_default=False,
    ),
]
Policy = Annotated[
    str | None,
    typer.Option(metavar="MODEL", help="With --reference: score by DPO's implicit reward.", show_default=False),
]
Reference = Annotated[
    str | None, typer.Option(metavar="MODEL", help="The model that the policy was trained from.", show_default=False)
]
Beta = Annotated[float, typer.Option(metavar="NUMBER", help="The factor of the implicit reward: DPO's beta.")]
ScoreColumns = Annotated[
    tuple[str, str] | None,
    typer.Option(
        "--score-columns",
        metavar="NAME NAME",
        help="Take the scores of the two answers from these columns of PAIRS.",
        show_default=False,
    ),
]
Fit = Annotated[
    bool,
    typer.Option(
        "--fit-temperature",
        help="Multiply the margins by the temperature that makes the votes in PAIRS likeliest.",
    ),
]


def score(
    pairs: Source,
    out: Out,
    reward_model: Reward = None,
    policy: Policy = None,
    reference: Reference = None,
    beta: Beta = DEFAULTS.beta,
    score_columns: ScoreColumns = None,
    fit_temperature: Fit = DEFAULTS.fit_temperature,
    format: FormatName = DEFAULTS.format,
    columns: Columns = None,
    label: Label = None,
    criterion: Criterion = None,
    split: Split = None,
    one_annotator: OneAnnotator = None,
    on_error: AtErrorBeside = DEFAULTS.on_error,
    batch_size: BatchSize = DEFAULTS.batch_size,
    device: Device = DEFAULTS.device,
    dtype: Dtype = DEFAULTS.dtype,
    chat_template: ChatTemplate = DEFAULTS.chat_template,
    restart: Restart = DEFAULTS.restart,
    dry_run: DryRun = DEFAULTS.dry_run,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Score pairs of answers with a model.

    Writes PAIRS with the columns `score_a`, `score_b` and `margin`, which `votewise audit` and `votewise train` read, and
    a summary beside it. If there are votes, a table says how well sigmoid(margin) fits them. An interrupted run resumes
    when it is started again, and ends with the same file. Needs the extra `votewise[score]`.

    **Examples:**

    `votewise score votes.parquet --reward-model ./reward --fit-temperature --out scored.parquet`

    `votewise score answers-comparisons.jsonl --policy ./policy --reference ./start --beta 0.1 --out scored.jsonl`

    `votewise score pairs.jsonl --score-columns score_chosen score_rejected --fit-temperature --out scored.jsonl`
    """
    from votewise.cli.printing.common import print_json
    from votewise.cli.printing.progress import ProgressBar, telling_how_to_resume
    from votewise.cli.printing.score import print_plan, print_scored

    with telling_how_to_resume(out), ProgressBar(quiet=quiet) as bar:
        result = workflow.score(
            pairs,
            out=out,
            reward_model=reward_model,
            policy=policy,
            reference=reference,
            beta=beta,
            score_columns=score_columns,
            fit_temperature=fit_temperature,
            format=format,
            columns=parse_columns(columns),
            label=parse_label(label),
            criterion=criterion,
            split=split,
            one_annotator=one_annotator,
            on_error=on_error,
            batch_size=batch_size,
            device=device,
            dtype=dtype,
            chat_template=chat_template,
            restart=restart,
            dry_run=dry_run,
            progress=bar,
        )
    if dry_run:
        print_plan(result)
    elif as_json:
        print_json(result.summary)
    elif not quiet:
        print_scored(result)
