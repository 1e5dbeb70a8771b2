"""How often one model's answers beat another's, with an interval: ``votewise evaluate win-rate``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from votewise.data.reading import NONE_REJECTED, Rejected
from votewise.defaults import BATCH_SIZE, CONCURRENCY, JUDGE_TOKENS, LEVEL, RETRIES, TIMEOUT
from votewise.errors import BadInputError
from votewise.workflows.progress import SILENT, Progress

if TYPE_CHECKING:
    import os

    import pyarrow as pa

    from votewise.data.win_rates import WinRateResult
    from votewise.evaluate.verdicts import JudgeWork
    from votewise.language_models.endpoint import Endpoint


@dataclass(frozen=True, eq=False)
class WinRateEvaluation:
    """An evaluation of one model against another.

    Attributes:
        work: what there was to judge.
        result: the win rates; None after a dry run.
        rejected: rows that were left out as unusable.
        files: what was written, the most interesting first; empty without ``out``.
    """

    work: JudgeWork
    result: WinRateResult | None
    rejected: Rejected = NONE_REJECTED
    files: tuple[Path, ...] = ()

    @cached_property
    def contests(self) -> pa.Table | None:
        """Every contest with its verdict, one per row; ``evaluate_win_rate`` reads it again. None after a dry run."""
        from votewise.evaluate.contest_table import contest_table

        return None if self.result is None else contest_table(self.result.contests, self.result.verdicts)

    @cached_property
    def figures(self) -> dict[str, Any]:
        """All estimates as JSON values, as in ``evaluation.json``; empty after a dry run."""
        from votewise.evaluate.figures import win_rate_figures

        return {} if self.result is None else win_rate_figures(self.result)


def evaluate_win_rate(
    answers: Any,
    baseline_answers: Any = None,
    *,
    out: str | os.PathLike[str] | None = None,
    reward_model: str | os.PathLike[str] | None = None,
    soft: bool = False,
    llm_judge: str | Endpoint | None = None,
    base_url: str | None = None,
    column: str | None = None,
    model: str | None = None,
    baseline: str | None = None,
    length_controlled: bool = False,
    difficulty: Any = None,
    level: float = LEVEL,
    max_tokens: int = JUDGE_TOKENS,
    timeout: float = TIMEOUT,
    retries: int = RETRIES,
    concurrency: int = CONCURRENCY,
    batch_size: int = BATCH_SIZE,
    device: str = "auto",
    columns: Mapping[str, str] | None = None,
    label: Mapping[str, str] | None = None,
    criterion: str | None = None,
    split: str | None = None,
    on_error: Literal["stop", "skip"] = "stop",
    restart: bool = False,
    dry_run: bool = False,
    report: bool = True,
    progress: Progress | None = None,
) -> WinRateEvaluation:
    """Measure how often one model's answers beat another's.

    A reward model, a language model or a column of the file decides each contest. Data formats: docs/evaluating.md.

    Args:
        answers: answers of the evaluated model, or comparisons of two models: a file, a URL or a table.
        baseline_answers: answers of the model that it is compared with.
        out: folder for the report, the table of contests and evaluation.json. An interrupted run that is started again with
            the same folder resumes. None writes nothing.
        reward_model: folder or name of a reward model that decides.
        soft: let the preference be logistic(difference of the reward model's scores), not the order of the scores.
        llm_judge: name of a language model on an OpenAI-compatible server that decides, or an ``Endpoint``.
        base_url: address of the server; None for OPENAI_BASE_URL, or OpenAI's.
        column: the column that decides; None for ``preference``, ``winner`` or ``label``, if no other judge is given.
        model: name of the evaluated model; needed if a file has several.
        baseline: name of the model that it is compared with; needed if a file has several.
        length_controlled: also estimate the win rate if the answers of both models were equally long.
        difficulty: a table with ``difficulty`` and ``prompt``, ``prompt_index`` or ``prompt_id``; used only with
            ``length_controlled``.
        level: probability that an interval contains the truth.
        max_tokens: length limit of a reply of the language model.
        timeout: seconds until a request to the server counts as failed, from the connection to the last byte.
        retries: how often a failed request is tried again.
        concurrency: requests sent to the server at a time.
        batch_size: answers that the reward model scores at a time.
        device: where the reward model runs: ``auto``, ``cpu``, ``cuda``, ...
        columns: our name of a column -> the name it has in the files: ``{"answer": "output_text"}``. In several files a
            column is renamed wherever it is.
        label: what verdicts mean, ``{"left": "a"}``: ``a``, ``b``, ``tie``, ``both_bad``, ``both_good`` or ``skip``.
        criterion: which question counts, where a file has verdicts on several.
        split: which split of a data set to read.
        on_error: ``stop`` at an unusable row, or ``skip`` it, count it and, with ``out``, write it to a file there.
        restart: delete what an interrupted run has finished, and start from the beginning.
        dry_run: only count the contests and the work of the judge.
        report: whether to write the report.
        progress: is kept informed of how far the work has come.

    Raises:
        BadInputError: files that cannot be read or written, no judge or several, a judge that cannot be used, a setting out
            of range, or no verdict at all.
    """
    from datetime import UTC, datetime

    from votewise.evaluate.difficulty import with_difficulty
    from votewise.evaluate.estimate import estimate_win_rate
    from votewise.evaluate.evaluation_files import check_folder, name_of, source_names, write_win_rate
    from votewise.evaluate.inputs import read_two
    from votewise.evaluate.judges import ColumnJudge, JudgeOptions, choose_judge
    from votewise.evaluate.rates import check_level
    from votewise.evaluate.verdicts import verdicts_kept, work_of
    from votewise.sources.reader import SourceReader, rejected_file
    from votewise.storage.files import folder_to_write

    progress = progress or SILENT
    options = JudgeOptions(
        reward_model=reward_model,
        soft=soft,
        batch_size=batch_size,
        device=device,
        llm_judge=llm_judge,
        base_url=base_url,
        max_tokens=max_tokens,
        timeout=timeout,
        retries=retries,
        concurrency=concurrency,
        column=column,
    )
    judge, folder = choose_judge(options), folder_to_write(out)
    check_folder(folder)
    check_level(level)
    if difficulty is not None and not length_controlled:
        raise BadInputError("is used only for the length-controlled win rate", parameter="difficulty")
    if label and not isinstance(judge, ColumnJudge):
        raise BadInputError("says what verdicts in a column mean, and a model judges", parameter="label")
    told: dict[str, Any] = {"columns": columns, "label": label, "criterion": criterion, "split": split}
    reader = SourceReader(**told, on_error=on_error)
    progress.stage("Reading")
    if difficulty is not None:
        reader.beside(difficulty)
    contests, verdicts = read_two(
        answers,
        baseline_answers,
        model=model,
        baseline=baseline,
        column=judge if isinstance(judge, ColumnJudge) else None,
        reader=reader,
    )
    if difficulty is not None:
        contests = with_difficulty(contests, reader.open_beside())
    work = work_of([contests], judge)
    if dry_run:
        return WinRateEvaluation(work, None)
    table = None if folder is None else folder / f"{name_of(contests)}.parquet"
    with verdicts_kept([(contests, verdicts)], judge, table, restart=restart, progress=progress.count) as judged:
        result = estimate_win_rate(*judged.matchups[0], length_controlled=length_controlled, level=level)
        # Only now that nothing is refused any more.
        rejected = reader.write_rejected(None if table is None else rejected_file(table))
        if folder is None:
            return WinRateEvaluation(work, result, rejected)
        progress.stage(f"Writing {folder}")
        settings = {"source": source_names(answers, baseline_answers, difficulty), "level": level}
        files = write_win_rate(folder, result, report=report, created=datetime.now(UTC), settings=settings)
    return WinRateEvaluation(work, result, rejected, (*files, *rejected.files))
