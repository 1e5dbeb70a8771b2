"""``votewise evaluate export``, ``import`` and ``benchmark``: to other people's benchmarks and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from votewise.cli.options import AsJson, Quiet
from votewise.errors import BadInputError

exports = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")
imports = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")

AnswersFile = Annotated[
    str,
    typer.Argument(
        metavar="ANSWERS",
        help="Answers (`prompt`, `answer`, `model`), as `votewise generate` writes them.",
        show_default=False,
    ),
]
OneModel = Annotated[
    str | None,
    typer.Option(
        "--model", metavar="NAME", help="Whose answers, where the file has several models'.", show_default=False
    ),
]
Questions = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Arena-Hard's question.jsonl, which says what each prompt is called.",
        show_default="a column prompt_id in ANSWERS",
    ),
]


@exports.callback()
def export() -> None:
    """Write answers as a benchmark wants to judge them.

    `votewise evaluate export alpaca-eval` and `votewise evaluate export arena-hard`.
    """


@exports.command("alpaca-eval")
def alpaca_eval(
    answers: AnswersFile,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write: a .json file.")] = Path(
        "model_outputs.json"
    ),
    model: OneModel = None,
    quiet: Quiet = False,
) -> None:
    """Write answers as AlpacaEval's model_outputs.json.

    The way back needs no conversion: `votewise evaluate win-rate annotations.json`.

    **Example:** `votewise evaluate export alpaca-eval answers.jsonl --out model_outputs.json`
    """
    from votewise.evaluate.answers import one_model, read_answers
    from votewise.evaluate.bridges import export_alpaca_eval

    done = export_alpaca_eval(one_model(read_answers(answers), model), out)
    if not quiet:
        typer.echo(f"{done.answers:,} answers" + (f", {done.failed:,} prompts failed" if done.failed else ""))
        typer.echo(f"Written to {done.file}")


@exports.command("arena-hard")
def arena_hard(
    answers: AnswersFile,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder MODEL.jsonl goes to.")] = Path("model_answer"),
    questions: Questions = None,
    model: OneModel = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What counts tokens, for Arena-Hard's style control: `tiktoken:o200k_base` (as it does itself) or a model.",
            show_default="tokens are not counted",
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Write answers as Arena-Hard's model_answer/MODEL.jsonl.

    The way back is `votewise evaluate import arena-hard`.

    **Example:** `votewise evaluate export arena-hard answers.jsonl --questions question.jsonl --out model_answer`
    """
    from votewise.evaluate.answers import one_model, read_answers
    from votewise.evaluate.bridges import export_arena_hard, read_questions, token_counter

    done = export_arena_hard(
        one_model(read_answers(answers), model),
        out,
        questions=None if questions is None else read_questions(questions),
        count_tokens=None if tokenizer is None else token_counter(tokenizer),
    )
    if not quiet:
        notes = {
            "prompts failed": done.failed,
            "questions without an answer": done.missing,
            "no question": done.unknown,
        }
        typer.echo(
            ", ".join(
                [f"{done.answers:,} answers", *(f"{number:,} {what}" for what, number in notes.items() if number)]
            )
        )
        typer.echo(f"Written to {done.file}")


@imports.callback()
def read_back() -> None:
    """Read what a benchmark's judge has said.

    `votewise evaluate import arena-hard`. AlpacaEval's annotations.json needs no import: `votewise evaluate win-rate` and
    `votewise audit` read it as it is.
    """


@imports.command("arena-hard")
def judged_arena_hard(
    judgments: Annotated[
        list[str],
        typer.Argument(
            metavar="JUDGMENTS...", help="Files of model_judgment/JUDGE, or such a folder.", show_default=False
        ),
    ],
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Where the comparisons go: a .parquet or .jsonl file.")
    ] = Path("arena-hard.parquet"),
    answers: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="Answers, the baseline's included: model_answer/MODEL.jsonl, or `votewise generate`'s. Repeatable.",
            show_default="no texts",
        ),
    ] = None,
    questions: Questions = None,
    results: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="An evaluation.json to add Arena-Hard's own score to.", show_default=False),
    ] = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Turn Arena-Hard's judgments into comparisons.

    `votewise evaluate win-rate` and `matrix` read them, and so does `votewise audit`, with judges for annotators.

    **Examples:**

    `votewise evaluate import arena-hard model_judgment/gpt-4.1 --questions question.jsonl --out judged.parquet`

    `votewise evaluate win-rate judged.parquet --model mine --baseline o3-mini-2025-01-31`
    """
    from votewise.evaluate.arena_hard import arena_hard_score, judgment_table, read_judgments, read_said
    from votewise.evaluate.bridges import read_questions
    from votewise.evaluate.record import record_result
    from votewise.storage.row_files import SUFFIXES, write_rows

    if out.suffix not in SUFFIXES:
        raise BadInputError("unknown kind of file", source=str(out), expected="a name ending in .parquet or .jsonl")
    asked = None if questions is None else read_questions(questions)
    found = read_judgments(judgments)
    write_rows(out, judgment_table(found, questions=asked, said=read_said(answers or [], asked)))
    scores = {model: arena_hard_score(found, model) for model in dict.fromkeys(found.model)}
    if results is not None:
        for model, score in scores.items():
            record_result(results, "arena_hard", model, {"score": score, "judged": found.model.count(model)})
    if as_json:
        typer.echo(json.dumps({"judged": len(found), "failed": found.failed, "scores": scores}, indent=2))
    elif not quiet:
        typer.echo(
            f"{len(found):,} judged answers" + (f", {found.failed:,} without two verdicts" if found.failed else "")
        )
        for model, score in scores.items():
            typer.echo(f"  {model}: {score:.1%} as Arena-Hard counts it")
        typer.echo(f"Written to {out}")


def benchmark(
    tasks: Annotated[
        str,
        typer.Argument(
            metavar="TASKS",
            help="Tasks of lm-evaluation-harness, say `mmlu,gsm8k`; `lm-eval ls tasks` lists them.",
            show_default=False,
        ),
    ],
    model: Annotated[
        str,
        typer.Option(metavar="MODEL", help="A model's folder, with or without a LoRA adapter, or its name on the Hub."),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder of evaluation.json.")] = Path("evaluation"),
    few_shot: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Examples in the prompt.", show_default="the task's own")
    ] = None,
    limit: Annotated[
        float | None,
        typer.Option(metavar="NUMBER", help="Only so many examples of each task, or this share.", show_default="all"),
    ] = None,
    batch_size: Annotated[str, typer.Option(metavar="NUMBER", help="Examples at a time, or `auto`.")] = "auto",
    device: Annotated[
        str | None, typer.Option(metavar="NAME", help="Where the model runs.", show_default="a GPU if there is one")
    ] = None,
    dtype: Annotated[str, typer.Option(metavar="NAME", help="The model's numbers.")] = "auto",
    chat: Annotated[
        bool, typer.Option("--chat-template", help="Put prompts through the model's chat template.")
    ] = False,
    include: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A folder with tasks of your own.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(metavar="NUMBER", help="The seed of everything random.")] = 0,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Run benchmarks on a model, through lm-evaluation-harness.

    Adds the figures with their standard errors to evaluation.json. Needs the extra: `pip install 'votewise[eval]'`.

    **Examples:**

    `votewise evaluate benchmark mmlu,gsm8k --model runs/qwen --batch-size 8`

    `votewise evaluate benchmark gsm8k --model Qwen/Qwen2.5-0.5B-Instruct --limit 50 --chat-template`
    """
    from votewise.cli.printing.progress import ProgressBar
    from votewise.evaluate.benchmarks import BenchmarkSettings, record_benchmarks, run_benchmarks
    from votewise.evaluate.record import FILE

    settings = BenchmarkSettings(
        few_shot=few_shot,
        limit=limit,
        batch_size=int(batch_size) if batch_size.isdecimal() else batch_size,
        device=device,
        dtype=dtype,
        chat=chat,
        include=include,
        seed=seed,
    )
    names = [name.strip() for name in tasks.split(",") if name.strip()]
    with ProgressBar(quiet=quiet) as bar:
        bar.stage(f"Running {', '.join(names)}")
        result = run_benchmarks(model, names, settings)
        record_benchmarks(out / FILE, result)
    if as_json:
        typer.echo(json.dumps(result.tasks, indent=2))
    elif not quiet:
        for figure in result.figures:
            error = "" if figure.standard_error is None else f" ± {figure.standard_error:.4f}"
            mark = "  <- the usual figure" if figure.headline else ""
            typer.echo(f"{figure.task}  {figure.metric} ({figure.filter}): {figure.value:.4f}{error}{mark}")
        typer.echo(f"Added to {out / FILE}")
