"""Prompts and models -> answers, and comparisons of two models: ``votewise generate``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from votewise.defaults import ANSWER_TOKENS, BATCH_SIZE, CONCURRENCY, RETRIES, TIMEOUT
from votewise.language_models.choices import BackendName, DtypeName
from votewise.workflows.parsing import refuse_unread
from votewise.workflows.progress import SILENT, Progress

if TYPE_CHECKING:
    import os

    from votewise.generate import GenerateResult

__all__ = ["BackendName", "DtypeName", "generate"]


def generate(
    prompts: Any,
    *,
    model: str | Sequence[str],
    out: str | os.PathLike[str] | None = None,
    comparisons: str | os.PathLike[str] | None = None,
    columns: Mapping[str, str] | None = None,
    label: Mapping[str, str] | None = None,
    split: str | None = None,
    on_error: Literal["stop", "skip"] = "stop",
    backend: BackendName = "transformers",
    base_url: str | None = None,
    max_tokens: int = ANSWER_TOKENS,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
    batch_size: int = BATCH_SIZE,
    device: str = "auto",
    dtype: DtypeName = "auto",
    chat_template: bool = True,
    timeout: float = TIMEOUT,
    retries: int = RETRIES,
    concurrency: int = CONCURRENCY,
    limit: int | None = None,
    restart: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> GenerateResult:
    """Generate answers from one or two models.

    With ``out``, an interrupted run is resumed when it is started again, and ends with the same file.

    Args:
        prompts: votes in any format, a table with a column ``prompt``, a .txt file with one prompt per line, a list of
            texts, or ``votewise.generate.Prompts``. Each prompt is answered once.
        model: a model's folder, its name on the Hub, or its name at the server; two of them to compare.
        out: a .jsonl or .parquet file for the answers; None writes nothing.
        comparisons: the file of the comparisons of two models; None for a file beside ``out``.
        columns: the format's name of a column -> the name it has in the source.
        label: what values of the label mean, ``{"left": "a"}``, where the prompts are those of votes.
        split: which split of a data set to read.
        on_error: ``stop`` at an unusable row, or ``skip`` it and, with ``out``, write it beside that file.
        backend: what runs the models: ``transformers``, ``vllm``, or ``endpoint`` for an OpenAI-compatible server.
        base_url: the server; None for the environment variable OPENAI_BASE_URL, or OpenAI's own server.
        max_tokens: the most tokens of an answer.
        temperature: 0 for the likeliest token each time; above 0, tokens are drawn.
        top_p: nucleus sampling (top-p).
        seed: together with model and prompt it decides what is drawn.
        batch_size: how many prompts a local model reads at a time.
        device: where local models run: ``auto``, ``cpu``, ``cuda``, ``cuda:1``.
        dtype: number format of the models' weights; ``auto`` for the one that they were saved in.
        chat_template: whether to put prompts into the model's chat template, if it has one.
        timeout: seconds to wait for an answer of the server.
        retries: how often a failed request is tried again.
        concurrency: how many requests are sent to the server at a time.
        limit: limit the number of prompts.
        restart: delete what an interrupted run has finished, and start from the beginning.
        dry_run: check everything and read the prompts; load no model, ask no server, write nothing.
        progress: is kept informed of how far the work has come.

    Raises:
        BadInputError: prompts that cannot be read, a setting out of range, a model or a server that cannot be used, not a
            single answer, or a file that cannot be written.
    """
    from votewise.generate.job import GenerateJob
    from votewise.generate.prompts import Prompts, lines_of, read_prompts
    from votewise.generate.results import result_of
    from votewise.generate.run import generate_answers
    from votewise.generate.settings import BackendOptions, Sampling
    from votewise.sources.containers.naming import short_name
    from votewise.sources.reader import SourceReader, rejected_file

    progress = progress or SILENT
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
    if not isinstance(prompts, Prompts):
        progress.stage(f"Reading {short_name(prompts)}")
    told: dict[str, Any] = {"columns": columns, "label": label, "split": split}
    if isinstance(prompts, Prompts) or lines_of(prompts) is not None:
        refuse_unread("a table of prompts", **told)
    reader = SourceReader(**told, on_error=on_error)
    prompts = read_prompts(prompts, reader, limit=limit)
    models = [model] if isinstance(model, str) else list(model)
    job = GenerateJob(prompts, models, _path(out), sampling, backend, options, _path(comparisons))
    # Only now that the settings are known to fit together.
    kept = None if out is None or dry_run else rejected_file(Path(out))
    job = replace(job, prompts=replace(prompts, rejected=reader.write_rejected(kept)))
    if dry_run:
        return result_of(job, {})
    progress.stage("Loading models")
    return generate_answers(job, restart=restart, progress=progress.count)


def _path(file: str | os.PathLike[str] | None) -> Path | None:
    return None if file is None else Path(file)
