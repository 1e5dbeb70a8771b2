"""The run: prompts and models in, a file of answers out, and with two models a table of comparisons.

Every answer goes into a journal as it comes (see ``votewise.storage.journal``). A prompt that failed keeps its row in
the file of answers, with its error and without an answer; the comparisons hold only prompts that both models answered.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from votewise.errors import BadInputError
from votewise.generate.prompts import Prompts
from votewise.generate.settings import BACKENDS, Backend, BackendOptions, Sampling
from votewise.language_models.endpoint import Completion
from votewise.language_models.local import require_models
from votewise.storage.journal import Journal, content_key
from votewise.storage.row_files import SUFFIXES, write_rows

Progress = Callable[[str, int, int, int, float], None]
"""Told after every batch: what is done, how much of how much, tokens of this run, and its seconds."""


@dataclass(frozen=True)
class GenerateJob:
    """What is to be done, checked.

    Attributes:
        prompts: what to answer.
        models: one or two.
        out: the file of answers, .jsonl or .parquet.
        sampling: how answers are drawn.
        backend: ``transformers``, ``vllm`` or ``endpoint``.
        options: for the backend.
        comparisons: where the comparisons of two models go; None for a file beside ``out``.
    """

    prompts: Prompts
    models: Sequence[str]
    out: Path
    sampling: Sampling = field(default_factory=Sampling)
    backend: str = "transformers"
    options: BackendOptions = field(default_factory=BackendOptions)
    comparisons: Path | None = None

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS:
            raise BadInputError("no such backend", source="--backend", value=self.backend, expected=", ".join(BACKENDS))
        if not 1 <= len(self.models) <= 2 or len(set(self.models)) < len(self.models):
            raise BadInputError(
                "answers of one or two different models", source="--model", value=" and ".join(self.models)
            )
        files = [self.out] if self.compared is None else [self.out, self.compared]
        for file in files:
            if file.suffix not in SUFFIXES:
                raise BadInputError(
                    "unknown kind of file", source=str(file), expected="a name ending in .jsonl or .parquet"
                )
        if len(set(files)) < len(files):
            raise BadInputError("is the file of answers", source="--comparisons", expected="another file")
        if self.backend != "endpoint" and self.options.base_url is not None:
            raise BadInputError("is for --backend endpoint", source="--base-url")

    @property
    def compared(self) -> Path | None:
        """Where the comparisons go; None with one model."""
        if len(self.models) == 1:
            return None
        return self.comparisons or self.out.with_name(f"{self.out.stem}-comparisons{self.out.suffix}")

    def settings(self) -> dict[str, Any]:
        """What the answers depend on, for the journal. The batch size is left out: it changes them by rounding only."""
        chosen = {"backend": self.backend, "dtype": self.options.dtype, "chat": self.options.chat}
        asked = {"prompts": f"{len(self.prompts):,} prompts {content_key(self.prompts.keys)[:8]}"}
        return {"command": "generate", "models": list(self.models), **asked, **asdict(self.sampling), **chosen}

    def keys(self, model: str) -> list[str]:
        """The prompts' names in the journal, for one model."""
        return [f"{model}/{key}" for key in self.prompts.keys]


@dataclass(frozen=True)
class Generated:
    """What came of it.

    Attributes:
        files: the file of answers and, with two models, that of the comparisons.
        answered: answers, by model.
        failed: failures, by model.
        errors: how often each error came, the most frequent first.
        compared: rows of comparisons; None with one model.
        resumed: how many answers an interrupted run had left.
        tokens: of the answers of this run.
        seconds: that answering took in this run, without loading the models.
    """

    files: tuple[Path, ...]
    answered: dict[str, int]
    failed: dict[str, int]
    errors: dict[str, int]
    compared: int | None
    resumed: int
    tokens: int
    seconds: float


def generate_answers(job: GenerateJob, *, restart: bool = False, progress: Progress | None = None) -> Generated:
    """Answer the prompts and write the answers, going on where an interrupted run stopped.

    Args:
        job: what is to be done.
        restart: throw away what an interrupted run left.
        progress: is told how far it is.

    Raises:
        BadInputError: a model or a server that cannot be used, other settings than those of an interrupted run, or no
            prompt answered at all (the file with the errors is written all the same).
    """
    seconds, tokens, resumed = 0.0, 0, 0
    with Journal(job.out, job.settings(), restart=restart) as journal:
        for model in job.models:
            backend, keys = open_backend(job, model), job.keys(model)
            done = {i for i, key in enumerate(keys) if _is_done(job, journal.done.get(key))}
            resumed += len(done)
            clock = time.monotonic()
            for batch in backend.answers(job.prompts.prompts, frozenset(done)):
                clock, before = time.monotonic(), clock
                if not batch:
                    continue
                seconds += clock - before
                journal.extend((keys[i], asdict(completion)) for i, completion in batch)
                done |= {i for i, _ in batch}
                tokens += sum(completion.tokens or 0 for _, completion in batch)
                if progress is not None:
                    progress(model, len(done), len(keys), tokens, seconds)
            del backend  # before the next model is loaded
        found = {model: [Completion(**journal.done[key]) for key in job.keys(model)] for model in job.models}
        compared = _write(job, found)
        journal.finish()
    result = _summarise(job, found, compared, resumed, tokens, seconds)
    if not any(result.answered.values()):
        raise BadInputError(
            f"none of {len(job.prompts):,} prompts was answered: {next(iter(result.errors))}", source=str(job.out)
        )
    return result


def _is_done(job: GenerateJob, record: dict[str, Any] | None) -> bool:
    """Whether nothing is left to do; what a server failed to answer in a run that was interrupted is asked again."""
    return record is not None and (job.backend != "endpoint" or record["error"] is None)


def open_backend(job: GenerateJob, model: str) -> Backend:
    """The backend of one model; loads nothing but its libraries."""
    if job.backend == "endpoint":
        from votewise.generate.with_endpoint import ServedModel

        return ServedModel(model, job.sampling, job.options)
    if job.backend == "vllm":
        from votewise.generate.with_vllm import VllmModel

        return VllmModel(model, job.sampling, job.options)
    require_models("the transformers backend")
    from votewise.generate.with_transformers import LocalModel

    return LocalModel(model, job.sampling, job.options)


def _write(job: GenerateJob, found: dict[str, list[Completion]]) -> int | None:
    prompts = pa.array(job.prompts.prompts)
    tables = []
    for model, completions in found.items():
        columns = {
            "prompt": prompts,
            "answer": pa.array([c.text for c in completions], pa.string()),
            "model": pa.array([model] * len(completions), pa.string()),
            "error": pa.array([c.error for c in completions], pa.string()),
            "tokens": pa.array([c.tokens for c in completions], pa.int64()),
        }
        tables.append(pa.table(columns))
    compared = None
    if job.compared is not None:
        table = _comparisons(*tables)
        write_rows(job.compared, table)
        compared = len(table)
    write_rows(job.out, pa.concat_tables(tables))
    return compared


def _comparisons(a: pa.Table, b: pa.Table) -> pa.Table:
    """One row for each prompt that both models answered."""
    table = pa.table(
        {
            "prompt": a["prompt"],
            "model_a": a["model"],
            "model_b": b["model"],
            "response_a": a["answer"],
            "response_b": b["answer"],
        }
    )
    return table.filter(pc.and_(a["answer"].is_valid(), b["answer"].is_valid()))


def _summarise(
    job: GenerateJob,
    found: dict[str, list[Completion]],
    compared: int | None,
    resumed: int,
    tokens: int,
    seconds: float,
) -> Generated:
    failed = {model: sum(c.text is None for c in completions) for model, completions in found.items()}
    answered = {model: len(completions) - failed[model] for model, completions in found.items()}
    errors = Counter(c.error for completions in found.values() for c in completions if c.error is not None)
    files = (job.out,) if job.compared is None else (job.out, job.compared)
    return Generated(files, answered, failed, dict(errors.most_common()), compared, resumed, tokens, seconds)
