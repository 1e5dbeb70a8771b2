"""Pairs of answers -> their scores and margins: ``votewise score``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from votewise.defaults import BATCH_SIZE
from votewise.language_models.choices import DtypeName
from votewise.workflows.progress import SILENT, Progress

if TYPE_CHECKING:
    import os

    from votewise.score import ScoreResult


def score(
    pairs: Any,
    *,
    out: str | os.PathLike[str] | None = None,
    reward_model: str | None = None,
    policy: str | None = None,
    reference: str | None = None,
    beta: float = 0.1,
    score_columns: tuple[str, str] | None = None,
    fit_temperature: bool = False,
    format: str = "auto",
    columns: Mapping[str, str] | None = None,
    label: Mapping[str, str] | None = None,
    criterion: str | None = None,
    split: str | None = None,
    one_annotator: str | None = None,
    on_error: Literal["stop", "skip"] = "stop",
    batch_size: int = BATCH_SIZE,
    device: str = "auto",
    dtype: DtypeName = "auto",
    chat_template: bool = True,
    restart: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ScoreResult:
    """Score pairs of answers with a model.

    Scores come from a reward model, from a policy and its reference, or from columns of the pairs. With ``out``, an
    interrupted run is resumed when it is started again, and ends with the same file.

    Args:
        pairs: votes in any format, a table with ``response_a`` and ``response_b`` such as the comparisons that
            ``votewise.generate`` returns, or ``votewise.score.Pairs``.
        out: a .jsonl or .parquet file for the scored rows, with a summary beside it; None writes nothing.
        reward_model: a sequence classifier with one output, in a folder or on the Hub.
        policy: together with ``reference``: score by DPO's implicit reward.
        reference: the model that the policy was trained from.
        beta: the factor of the implicit reward: DPO's beta.
        score_columns: names of two columns that have the scores of the two answers.
        fit_temperature: whether to multiply the margins by the temperature that makes the votes likeliest.
        format: name of the format, or ``auto``; see ``read_votes``.
        columns: the format's name of a column -> the name it has in the source.
        label: what values of the label mean, ``{"left": "a"}``.
        criterion: which question counts, where several were asked.
        split: which split of a data set to read.
        one_annotator: says that votes without a name are all by this one person or model.
        on_error: ``stop`` at an unusable row, or ``skip`` it and, with ``out``, write it beside that file.
        batch_size: how many answers the model reads at a time.
        device: where the models run: ``auto``, ``cpu``, ``cuda``, ``cuda:1``.
        dtype: number format of the models' weights; ``auto`` for the one that they were saved in.
        chat_template: whether to put texts into the model's chat template, if it has one.
        restart: delete what an interrupted run has finished, and start from the beginning.
        dry_run: check everything and read the pairs; load no model, write nothing.
        progress: is kept informed of how far the work has come.

    Raises:
        BadInputError: pairs that cannot be read, a setting out of range, a model that cannot be used, or a file that
            cannot be written.
    """
    from votewise.score.job import ScoreJob
    from votewise.score.pairs import Pairs, read_pairs
    from votewise.score.results import planned_result
    from votewise.score.run import score_pairs
    from votewise.score.score_methods import ColumnScores, choose_method
    from votewise.score.scorer import ModelOptions
    from votewise.sources.containers.naming import short_name
    from votewise.sources.reader import SourceReader, rejected_file
    from votewise.storage.files import written_at_last

    progress = progress or SILENT
    options = ModelOptions(batch_size, device, dtype, chat_template)
    source = choose_method(reward_model, policy, reference, beta=beta, score_columns=score_columns, options=options)
    reader = None
    if not isinstance(pairs, Pairs):
        progress.stage(f"Reading {short_name(pairs)}")
        told: dict[str, Any] = {"label": label, "criterion": criterion, "split": split, "one_annotator": one_annotator}
        reader = SourceReader(columns=columns, on_error=on_error, **told)
        by_columns = isinstance(source, ColumnScores)
        pairs = read_pairs(pairs, reader, format=format, texts=not by_columns, numbers=score_columns or ())
    job = ScoreJob(pairs, source, None if out is None else Path(out), fit_temperature)
    kept = None if out is None or dry_run or reader is None or on_error != "skip" else rejected_file(Path(out))
    # A later refusal leaves no file of rejected rows behind.
    with written_at_last(kept) as aside:
        if reader is not None:
            rejected = reader.write_rejected(aside)
            job = replace(job, pairs=replace(pairs, rejected=replace(rejected, file=kept)))
        if dry_run:
            return planned_result(job)
        progress.stage("Loading models")
        return score_pairs(job, restart=restart, progress=progress.count)
