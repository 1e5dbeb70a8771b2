"""``votewise judge``: pairs of answers and language models as judges -> votes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from votewise.cli.model_options import BatchSize, Concurrency, Device, DryRun, Dtype, Retries, Timeout
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
    Report,
    Split,
    parse_columns,
    parse_label,
)
from votewise.errors import BadInputError
from votewise.workflows import judge as workflow

DEFAULTS = Defaults(workflow.judge)

Source = Annotated[
    str,
    typer.Argument(
        metavar="PAIRS",
        help="What to judge: votes in any format that `votewise formats` lists, or a table with `response_a` and "
        "`response_b`, such as the comparisons that `votewise generate` writes.",
        show_default=False,
    ),
]
Out = Annotated[
    Path,
    typer.Option(metavar="FILE", help="Where to write the votes: a .jsonl or .parquet file.", show_default=False),
]
Judge = Annotated[
    list[str] | None,
    typer.Option(
        metavar="MODEL",
        help="A judge: MODEL, NAME=MODEL, or NAME=MODEL@URL with a server of its own. Repeatable.",
        show_default=False,
    ),
]
Judges = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="A TOML file of judges, a table `[[judge]]` each: `model`, `name`, `base_url`, `group`, `price_in` and "
        "`price_out` (per million tokens), `api_key_env`, `backend`.",
        show_default=False,
    ),
]
Server = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="The server of judges that name none. The key is taken from OPENAI_API_KEY.",
        show_default="OPENAI_BASE_URL, or OpenAI's",
    ),
]
BackendChoice = Annotated[
    workflow.JudgeBackend,
    typer.Option(
        metavar="endpoint|transformers",
        help="What runs the judges given by --judge: OpenAI-compatible servers, or transformers on this machine.",
    ),
]
Groups = Annotated[
    list[str] | None,
    typer.Option(
        "--group",
        metavar="NAME=PATTERN",
        help="Judges whose names or models' names fit PATTERN, such as `gpt-*`, are one group: they are expected to share "
        "mistakes. Repeatable.",
        show_default="the family that the model's name tells",
    ),
]
Rubric = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A text that says what makes an answer better.", show_default="ours"),
]
Question = Annotated[
    Path | None,
    typer.Option(
        "--prompt",
        metavar="FILE",
        help="The whole question, with the placeholders `{prompt}`, `{first}`, `{second}` and, if wanted, `{rubric}`.",
        show_default="ours",
    ),
]
OneOrder = Annotated[
    bool,
    typer.Option("--one-order", help="Show each pair in one order only, the one it is given in.", show_default=False),
]
Repeats = Annotated[
    int, typer.Option(metavar="NUMBER", help="How often each question is asked, to measure how consistent a judge is.")
]
Temperature = Annotated[
    float, typer.Option(metavar="NUMBER", help="0 for the likeliest reply; above 0, tokens are drawn.")
]
MaxTokens = Annotated[int, typer.Option(metavar="NUMBER", help="The most tokens of a reply.")]
Seed = Annotated[int, typer.Option(metavar="NUMBER", help="Together with the question it decides what is drawn.")]
MaxCost = Annotated[
    float | None,
    typer.Option(
        metavar="NUMBER",
        help="Ask nothing that could bring the cost of all replies above this, in the currency of the prices.",
        show_default="no limit",
    ),
]
Limit = Annotated[int | None, typer.Option(metavar="NUMBER", help="Limit the number of pairs.", show_default="all")]
Again = Annotated[bool, typer.Option("--restart", help="Forget all earlier replies, and start from the beginning.")]


def judge(
    pairs: Source,
    out: Out,
    judge: Judge = None,
    judges: Judges = None,
    base_url: Server = None,
    backend: BackendChoice = DEFAULTS.backend,
    group: Groups = None,
    rubric: Rubric = None,
    prompt: Question = None,
    one_order: OneOrder = DEFAULTS.one_order,
    repeats: Repeats = DEFAULTS.repeats,
    temperature: Temperature = DEFAULTS.temperature,
    max_tokens: MaxTokens = DEFAULTS.max_tokens,
    seed: Seed = DEFAULTS.seed,
    max_cost: MaxCost = None,
    limit: Limit = None,
    format: FormatName = DEFAULTS.format,
    columns: Columns = None,
    label: Label = None,
    criterion: Criterion = None,
    split: Split = None,
    one_annotator: OneAnnotator = None,
    on_error: AtErrorBeside = DEFAULTS.on_error,
    timeout: Timeout = DEFAULTS.timeout,
    retries: Retries = DEFAULTS.retries,
    concurrency: Concurrency = DEFAULTS.concurrency,
    batch_size: BatchSize = DEFAULTS.batch_size,
    device: Device = DEFAULTS.device,
    dtype: Dtype = DEFAULTS.dtype,
    restart: Again = DEFAULTS.restart,
    dry_run: DryRun = DEFAULTS.dry_run,
    report: Report = DEFAULTS.report,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Ask language models which answer of each pair is better, and keep what they say as votes.

    Each pair is shown in both orders. The votes are a file that `votewise audit` reads; in each row `response_a` is the
    answer that the judge saw first. Replies stay in a journal beside it: an interrupted run resumes when it is started
    again, and another judge or another rubric asks only what is new. A reply without a verdict is asked for once
    more, then counted, and never taken for a vote. Needs the extra `votewise[endpoint]`,
    or `votewise[score]` for models on this machine.

    **Examples:**

    `votewise judge pairs.jsonl --judge gpt-4o-mini --judge small=qwen@http://localhost:8000/v1 --out votes.jsonl`

    `votewise judge votes.parquet --judges judges.toml --rubric rubric.txt --repeats 2 --max-cost 5 --out judged.parquet`

    `votewise judge pairs.jsonl --judges judges.toml --dry-run --out votes.jsonl`
    """
    from votewise.cli.printing.common import print_json
    from votewise.cli.printing.judge import print_judged, print_plan
    from votewise.cli.printing.progress import ProgressBar, telling_how_to_resume

    with telling_how_to_resume(out), ProgressBar(quiet=quiet) as bar:
        result = workflow.judge(
            pairs,
            judge=judge or (),
            judges=judges,
            out=out,
            base_url=base_url,
            backend=backend,
            group=parse_groups(group),
            rubric=rubric,
            prompt=prompt,
            one_order=one_order,
            repeats=repeats,
            temperature=temperature,
            max_tokens=max_tokens,
            seed=seed,
            max_cost=max_cost,
            limit=limit,
            format=format,
            columns=parse_columns(columns),
            label=parse_label(label),
            criterion=criterion,
            split=split,
            one_annotator=one_annotator,
            on_error=on_error,
            timeout=timeout,
            retries=retries,
            concurrency=concurrency,
            batch_size=batch_size,
            device=device,
            dtype=dtype,
            restart=restart,
            dry_run=dry_run,
            report=report,
            progress=bar,
        )
    if dry_run:
        print_plan(result, report=report)
    elif as_json:
        print_json(result.summary)
    elif not quiet:
        print_judged(result)
    if result.stopped:
        raise typer.Exit(1)


def parse_groups(assignments: list[str] | None) -> dict[str, str] | None:
    """``["openai=gpt-*"]`` -> ``{"openai": "gpt-*"}``; None for none."""
    groups: dict[str, str] = {}
    for assignment in assignments or []:
        name, equals, pattern = assignment.partition("=")
        if not (name and equals and pattern) or name in groups:
            problem = "given twice" if name in groups else "not an assignment"
            raise BadInputError(
                problem, parameter="group", value=assignment, expected="NAME=PATTERN, as in openai=gpt-*"
            )
        groups[name] = pattern
    return groups or None
