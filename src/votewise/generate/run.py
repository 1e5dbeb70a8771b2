"""The run: prompts and models -> answers, and comparisons of two models.

Every answer goes into a journal as soon as it is finished (see ``votewise.storage.journal``). A prompt that failed keeps
its row in the table of answers, with its error and without an answer; the comparisons have only prompts that both models
answered.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import asdict
from typing import Any

from votewise.errors import BadInputError, many
from votewise.generate.job import GenerateJob
from votewise.generate.results import GenerateResult, result_of, write_result
from votewise.generate.settings import Backend
from votewise.language_models.batch_work import BatchProgress, BatchWork, open_journal
from votewise.language_models.completions import Completion
from votewise.language_models.local import require_models


def generate_answers(
    job: GenerateJob, *, restart: bool = False, progress: BatchProgress | None = None
) -> GenerateResult:
    """Answer the prompts and write the answers; resumes an interrupted run.

    Args:
        job: what to generate.
        restart: delete what an interrupted run has finished.
        progress: called after every batch.

    Raises:
        BadInputError: a model or a server that cannot be used, settings that differ from those of an interrupted run, or
            not a single answer (the file with the errors is written nevertheless).
    """
    resumed = 0
    with open_journal(job.out, job.settings(), restart=restart) as journal:
        work = BatchWork(journal, progress)
        for model in job.models:
            keys = job.keys(model)
            done = frozenset(i for i, key in enumerate(keys) if _is_done(job, journal.done.get(key)))
            failed = frozenset(i for i, key in enumerate(keys) if key in journal.done) - done
            backend = open_backend(job, model, failed)
            resumed += len(done)
            work.start(model, keys, done)
            for batch in backend.answers(job.prompts.prompts, done):
                work.add([(i, asdict(completion), completion.tokens or 0) for i, completion in batch])
            del backend  # before the next model is loaded
        found = {model: [Completion(**journal.done[key]) for key in job.keys(model)] for model in job.models}
        result = result_of(job, found, resumed=resumed, tokens=work.tokens, seconds=work.seconds)
        write_result(result)
        journal.finish()
    if not any(result.answered.values()):
        raise BadInputError(
            f"no answer to {many(len(job.prompts), 'prompt')}: {next(iter(result.errors))}",
            source=None if job.out is None else str(job.out),
        )
    return result


def _is_done(job: GenerateJob, record: dict[str, Any] | None) -> bool:
    """Whether a prompt is finished; one that a server failed to answer in an interrupted run is sent again."""
    return record is not None and (job.backend != "endpoint" or record["error"] is None)


def open_backend(job: GenerateJob, model: str, failed: Container[int] = frozenset()) -> Backend:
    """The backend of one model; loads only its libraries. ``failed`` are prompts that a server failed to answer before."""
    if job.backend == "endpoint":
        from votewise.generate.with_endpoint import ServedModel

        return ServedModel(model, job.sampling, job.options, failed)
    if job.backend == "vllm":
        from votewise.generate.with_vllm import VllmModel

        return VllmModel(model, job.sampling, job.options)
    require_models("the transformers backend")
    from votewise.generate.with_transformers import LocalModel

    return LocalModel(model, job.sampling, job.options)
