"""``votewise generate``: prompts and models -> answers, and comparisons of two models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
from votewise.cli.options import (
    AtErrorBeside,
    Columns,
    Defaults,
    Label,
    Quiet,
    Split,
    parse_columns,
    parse_label,
)
from votewise.workflows import generate as workflow

DEFAULTS = Defaults(workflow.generate)

Source = Annotated[
    str,
    typer.Argument(
        metavar="PROMPTS",
        help="What to answer: votes in any format that `votewise formats` lists, a table (.jsonl, .json, .csv, .parquet, "
        "a URL) with a column `prompt` of texts or messages, or a .txt file with one prompt per line.",
        show_default=False,
    ),
]
Models = Annotated[
    list[str],
    typer.Option(
        "--model",
        metavar="MODEL",
        help="A model's folder, its name on the Hub, or its name at the server. Give it twice to compare two models.",
        show_default=False,
    ),
]
Out = Annotated[
    Path,
    typer.Option(metavar="FILE", help="Where to write the answers: a .jsonl or .parquet file.", show_default=False),
]
Comparisons = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Where to write the comparisons of two models: `prompt`, `model_a`, `model_b`, `response_a`, `response_b`.",
        show_default="beside --out",
    ),
]
BackendChoice = Annotated[
    workflow.BackendName,
    typer.Option(
        metavar="transformers|vllm|endpoint", help="What runs the models; `endpoint` is an OpenAI-compatible server."
    ),
]
MaxTokens = Annotated[int, typer.Option(metavar="NUMBER", help="The most tokens of an answer.")]
Temperature = Annotated[
    float, typer.Option(metavar="NUMBER", help="0 for the likeliest token each time; above 0, tokens are drawn.")
]
TopP = Annotated[
    float,
    typer.Option(metavar="NUMBER", help="Nucleus sampling (top-p)."),
]
Seed = Annotated[int, typer.Option(metavar="NUMBER", help="Together with model and prompt it decides what is drawn.")]
Limit = Annotated[int | None, typer.Option(metavar="NUMBER", help="Limit the number of prompts.", show_default="all")]


def generate(
    prompts: Source,
    model: Models,
    out: Out,
    comparisons: Comparisons = None,
    columns: Columns = None,
    label: Label = None,
    split: Split = None,
    on_error: AtErrorBeside = DEFAULTS.on_error,
    backend: BackendChoice = DEFAULTS.backend,
    base_url: BaseUrl = None,
    max_tokens: MaxTokens = DEFAULTS.max_tokens,
    temperature: Temperature = DEFAULTS.temperature,
    top_p: TopP = DEFAULTS.top_p,
    seed: Seed = DEFAULTS.seed,
    batch_size: BatchSize = DEFAULTS.batch_size,
    device: Device = DEFAULTS.device,
    dtype: Dtype = DEFAULTS.dtype,
    chat_template: ChatTemplate = DEFAULTS.chat_template,
    timeout: Timeout = DEFAULTS.timeout,
    retries: Retries = DEFAULTS.retries,
    concurrency: Concurrency = DEFAULTS.concurrency,
    limit: Limit = None,
    restart: Restart = DEFAULTS.restart,
    dry_run: DryRun = DEFAULTS.dry_run,
    quiet: Quiet = False,
) -> None:
    """Generate answers from one or two models.

    Writes `prompt`, `answer`, `model`, `error` and `tokens`; a prompt that failed has its error and no answer. An
    interrupted run resumes when it is started again, and ends with the same file. Needs the extra `votewise[score]`, or
    `votewise[endpoint]` for a server.

    **Examples:**

    `votewise generate prompts.txt --model ./policy --out answers.jsonl --max-tokens 256`

    `votewise generate votes.parquet --model org/small --model org/large --temperature 0.7 --out answers.parquet`

    `votewise generate prompts.jsonl --backend endpoint --base-url http://localhost:8000/v1 --model m --out a.jsonl`
    """
    from votewise.cli.printing.generate import print_generated, print_plan
    from votewise.cli.printing.progress import ProgressBar, telling_how_to_resume

    with telling_how_to_resume(out), ProgressBar(quiet=quiet) as bar:
        result = workflow.generate(
            prompts,
            model=model,
            out=out,
            comparisons=comparisons,
            columns=parse_columns(columns),
            label=parse_label(label),
            split=split,
            on_error=on_error,
            backend=backend,
            base_url=base_url,
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=top_p,
            seed=seed,
            batch_size=batch_size,
            device=device,
            dtype=dtype,
            chat_template=chat_template,
            timeout=timeout,
            retries=retries,
            concurrency=concurrency,
            limit=limit,
            restart=restart,
            dry_run=dry_run,
            progress=bar,
        )
    if dry_run:
        print_plan(result)
    elif not quiet:
        print_generated(result)
