"""``votewise generate``: prompts and models -> answers, and comparisons of two models."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from votewise.cli.model_options import (
    BaseUrl,
    BatchSize,
    ChatTemplate,
    Concurrency,
    Device,
    DryRun,
    Dtype,
    Restart,
    Retries,
    Timeout,
)
from votewise.cli.options import Columns, Quiet, parse_columns

if TYPE_CHECKING:
    from votewise.generate import Generated, GenerateJob


class BackendName(StrEnum):
    """What `--backend` takes; the names of ``votewise.generate.BACKENDS``."""

    transformers = "transformers"
    vllm = "vllm"
    endpoint = "endpoint"


Source = Annotated[
    str,
    typer.Argument(
        metavar="PROMPTS",
        help="What to answer: votes in any format that `votewise formats` lists, a table (.jsonl, .json, .csv, .parquet, "
        "a URL) with a column `prompt` of texts or messages, or a .txt file with one prompt a line.",
        show_default=False,
    ),
]
Models = Annotated[
    list[str],
    typer.Option(
        "--model",
        metavar="MODEL",
        help="A model's folder, its name on the Hub, or its name at the endpoint. Twice for two models to compare.",
        show_default=False,
    ),
]
Out = Annotated[
    Path, typer.Option(metavar="FILE", help="Where answers go: a .jsonl or .parquet file.", show_default=False)
]
Comparisons = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Where the comparisons of two models go: `prompt`, `model_a`, `model_b`, `response_a`, `response_b`.",
        show_default="beside --out",
    ),
]
BackendChoice = Annotated[
    BackendName,
    typer.Option(metavar="transformers|vllm|endpoint", help="What runs the models; `endpoint` is a server."),
]
MaxTokens = Annotated[int, typer.Option(metavar="NUMBER", help="The most tokens an answer may have.")]
Temperature = Annotated[
    float, typer.Option(metavar="NUMBER", help="0 for the likeliest token each time, above for drawn ones.")
]
TopP = Annotated[float, typer.Option(metavar="NUMBER", help="Draw from the likeliest tokens that make up this share.")]
Seed = Annotated[int, typer.Option(metavar="NUMBER", help="Decides, with model and prompt, what is drawn.")]
Limit = Annotated[
    int | None, typer.Option(metavar="NUMBER", help="Only the first so many prompts.", show_default="all")
]


def generate(
    prompts: Source,
    model: Models,
    out: Out,
    comparisons: Comparisons = None,
    column: Columns = None,
    backend: BackendChoice = BackendName.transformers,
    base_url: BaseUrl = None,
    max_tokens: MaxTokens = 512,
    temperature: Temperature = 0.0,
    top_p: TopP = 1.0,
    seed: Seed = 0,
    batch_size: BatchSize = 16,
    device: Device = "auto",
    dtype: Dtype = "auto",
    chat_template: ChatTemplate = True,
    timeout: Timeout = 120.0,
    retries: Retries = 6,
    concurrency: Concurrency = 8,
    limit: Limit = None,
    restart: Restart = False,
    dry_run: DryRun = False,
    quiet: Quiet = False,
) -> None:
    """Let one or two models answer prompts.

    Writes `prompt`, `answer`, `model`, `error` and `tokens`; a prompt that failed has its error and no answer. An
    interrupted run goes on where it stopped when it is started again, and ends with the same file. Needs the extra
    `votewise[score]`, or `votewise[endpoint]` for a server.

    **Examples:**

    `votewise generate prompts.txt --model ./policy --out answers.jsonl --max-tokens 256`

    `votewise generate votes.parquet --model org/small --model org/large --temperature 0.7 --out answers.parquet`

    `votewise generate prompts.jsonl --backend endpoint --base-url http://localhost:8000/v1 --model m --out a.jsonl`
    """
    from votewise.cli.printing.progress import ProgressBar, telling_how_to_go_on
    from votewise.generate import BackendOptions, GenerateJob, Sampling, generate_answers, read_prompts

    sampling = Sampling(max_tokens, temperature, top_p, seed)
    options = BackendOptions(
        batch_size=batch_size,
        device=device,
        dtype=dtype,
        chat=chat_template,
        base_url=base_url,
        timeout=timeout,
        retries=retries,
        concurrency=concurrency,
    )
    with telling_how_to_go_on(out), ProgressBar(quiet=quiet) as bar:
        bar.stage(f"Reading {prompts}")
        read = read_prompts(prompts, columns=parse_columns(column or []), limit=limit)
        job = GenerateJob(read, model, out, sampling, backend.value, options, comparisons)
        result = None
        if not dry_run:
            bar.stage("Loading")
            result = generate_answers(job, restart=restart, progress=bar.count)
    if result is None:
        typer.echo(describe_job(job))
    elif not quiet:
        typer.echo(describe_result(job, result))


def describe_job(job: GenerateJob) -> str:
    """What would be done, and how much of it is done already."""
    sampling = job.sampling
    drawn = "the likeliest tokens" if sampling.temperature == 0 else f"temperature {sampling.temperature:g}"
    drawn += f", top-p {sampling.top_p:g}" if sampling.temperature and sampling.top_p < 1 else ""
    lines = [
        _describe_prompts(job),
        f"{' and '.join(job.models)} by {job.backend}: {drawn}, at most {sampling.max_tokens:,} tokens, "
        f"seed {sampling.seed}",
        f"Would be written: {', '.join(map(str, filter(None, (job.out, job.compared))))}",
    ]
    return "\n".join(lines)


def describe_result(job: GenerateJob, result: Generated) -> str:
    """What came of it, model by model, and where it is."""
    lines = [_describe_prompts(job)]
    for model in job.models:
        failed = result.failed[model]
        lines.append(f"{model}: {result.answered[model]:,} answers" + (f", {failed:,} failed" if failed else ""))
    lines += _describe_errors(result.errors)
    if result.compared is not None:
        lines.append(f"{result.compared:,} comparisons")
    if result.resumed:
        lines.append(f"{result.resumed:,} answers were there from an interrupted run")
    lines.append(describe_speed(result.tokens, result.seconds))
    lines.append(f"Written to {' and '.join(map(str, result.files))}")
    return "\n".join(lines)


def describe_speed(tokens: int, seconds: float) -> str:
    """Like ``12,345 tokens in 10.2 s, 1,210 tokens/s``."""
    return f"{tokens:,} tokens in {seconds:,.1f} s, {tokens / max(seconds, 1e-9):,.0f} tokens/s"


def _describe_prompts(job: GenerateJob) -> str:
    prompts = job.prompts
    left_out = [(prompts.repeated, "repeated"), (prompts.empty, "empty")]
    notes = ", ".join(f"{number:,} {what}" for number, what in left_out if number)
    return f"{len(prompts):,} prompts of {prompts.read:,} in {prompts.source}" + (f" ({notes})" if notes else "")


def _describe_errors(errors: Mapping[str, int], most: int = 3) -> list[str]:
    # A server's words could hold control sequences.
    lines = [
        f"  {number:,} x {''.join(c if c.isprintable() else '?' for c in error)[:200]}"
        for error, number in list(errors.items())[:most]
    ]
    return lines + ([f"  and {len(errors) - most:,} other errors"] if len(errors) > most else [])
