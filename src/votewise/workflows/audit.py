"""Votes -> beliefs about annotators, votes and pairs, and a folder with all of it: ``votewise audit``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from votewise.defaults import LEVEL
from votewise.workflows.progress import SILENT, Progress

if TYPE_CHECKING:
    import os

    from votewise.annotators.fit_settings import PriorChoice
    from votewise.annotators.groups import Groups
    from votewise.annotators.pair_models import PairModel
    from votewise.annotators.results import ReliabilityResult
    from votewise.annotators.two_coins import TwoCoinResult
    from votewise.data.votes import Votes


@dataclass(frozen=True, eq=False)
class AuditResult:
    """An audit of votes.

    Attributes:
        votes: the votes as read; ``votes.reading`` says what became of every row.
        reliability: beliefs about annotators, votes and pairs, as tables.
        summary: everything that is not a table, as in ``summary.json``.
        files: what was written, most interesting first; empty without ``out``.
    """

    votes: Votes = field(repr=False)
    reliability: ReliabilityResult
    summary: dict[str, Any] = field(repr=False)
    files: tuple[Path, ...] = ()


def audit(
    votes: Any,
    *,
    out: str | os.PathLike[str] | None = None,
    format: str = "auto",
    columns: Mapping[str, str] | None = None,
    label: Mapping[str, str] | None = None,
    criterion: str | None = None,
    split: str | None = None,
    one_annotator: str | None = None,
    on_error: Literal["stop", "skip"] = "stop",
    prior: PriorChoice | str = "fit",
    temperature: float | str = 1.0,
    shared_pairs: bool = True,
    model: PairModel = "equal",
    compare_models: bool = False,
    intervals: bool = True,
    fit_tests: bool = True,
    two_coins: bool = False,
    groups: Groups | None = None,
    level: float = LEVEL,
    force: bool = False,
    report: bool = True,
    progress: Progress | None = None,
) -> AuditResult:
    """Find out which annotators, votes and pairs to trust.

    Args:
        votes: whatever ``read_votes`` reads, or ``Votes``.
        out: folder for report.html, annotators.parquet, votes.parquet, pairs.parquet and summary.json; None writes
            nothing. A folder with something else than an earlier audit in it is refused.
        format: name of the format, or ``auto``; see ``read_votes``.
        columns: the format's name of a column -> the name it has in the source.
        label: what values of the label mean, ``{"left": "a"}``; see ``read_votes``.
        criterion: which question counts, where several were asked.
        split: which split of a data set to read.
        one_annotator: says that votes without a name are all by this one person or model.
        on_error: ``stop`` at an unusable row, or ``skip`` it and, with ``out``, write it to rejected.jsonl.
        prior: the prior on reliability: ``fit`` (to these votes), ``none``, ``beta:5,2`` or a ``Beta``.
        temperature: factor that all margins are multiplied by, or ``fit``.
        shared_pairs: whether votes on one pair share its truth; else each vote is judged by its pair's margin only.
        model: how pairs differ: ``equal`` (not at all), ``difficulty`` (some are harder), ``items`` (answers that recur in
            several pairs have a strength of their own) or ``auto`` (whichever predicts hidden votes best).
        compare_models: whether to hide one vote of each pair and let every model predict it: ``compared`` in the summary.
        intervals: whether to compute intervals, flags, agreement and calibration besides the estimates.
        fit_tests: whether to test if the model describes these votes: copying, difficulty of pairs, preference for the
            response shown first. They need ``intervals`` and take about a second. Found in ``reliability.fit_tests`` and in
            the summary.
        two_coins: whether to estimate in addition how often each annotator is right where the response shown first is
            better, and where the second one is: columns ``right_if_first`` and ``right_if_second`` of the annotators, and
            ``two_coins`` in the summary. Needs to know which response was shown first. Nothing else changes.
        groups: annotators who err together, such as models of one family: the name of each group -> a shell-style pattern of
            its members' names (or several patterns), or the name of the source's column that has each annotator's group.
            Confidences, reliabilities and intervals then take the shared error into account; how large it is stands in
            ``reliability.groups``. The fit tests know no groups, and are left out.
        level: probability that an interval contains the truth.
        force: continue if the votes do not determine the answer.
        report: whether to write report.html.
        progress: is kept informed of how far the work has come.

    Raises:
        BadInputError: votes that cannot be read, a setting out of range, or a folder that cannot be written.
        NotIdentifiableError: the votes do not determine the answer, unless ``force``; or all annotators are in one group.
    """
    from datetime import UTC, datetime

    from votewise.annotators.saved import FILES, SUMMARY_KEYS, summarise
    from votewise.data.votes import Votes
    from votewise.errors import BadInputError
    from votewise.inference.diagnostic import check_identifiable
    from votewise.inference.priors import parse_prior
    from votewise.report.audit_files import prepare_report, write_audit
    from votewise.sources import read_votes
    from votewise.sources.containers.naming import short_name
    from votewise.storage.files import folder_to_write, written_at_last
    from votewise.storage.free_folders import check_folder_is_free
    from votewise.workflows.meanwhile import prepared_meanwhile
    from votewise.workflows.parsing import parse_temperature

    progress = progress or SILENT
    chosen_prior = parse_prior(prior) if isinstance(prior, str) else prior
    factor = parse_temperature(temperature)
    folder = folder_to_write(out)
    check_folder_is_free(folder, names=(*FILES, "rejected.jsonl"), summary_keys=SUMMARY_KEYS, command="audit")
    told: dict[str, Any] = {"label": dict(label or {}), "criterion": criterion, "one_annotator": one_annotator}
    told = {name: value for name, value in told.items() if value}
    kept = folder / "rejected.jsonl" if folder is not None and on_error == "skip" else None
    # A later refusal leaves no file of rejected rows behind.
    with written_at_last(None if isinstance(votes, Votes) else kept) as aside:
        if not isinstance(votes, Votes):
            progress.stage(f"Reading {short_name(votes)}")
            page = prepare_report if report and folder is not None else None
            with prepared_meanwhile("pandas", "scipy.special", "scipy.sparse.csgraph", then=page):
                votes = read_votes(
                    votes, format=format, columns=columns, split=split, on_error=on_error, rejects=aside, **told
                ).rejects_in(kept)
        progress.stage("Judging annotators")
        from votewise.annotators import pair_models
        from votewise.annotators.estimate import estimate_reliability  # here, because it imports much of scipy

        for name, given in (("two_coins", two_coins), ("compare_models", compare_models)):
            if given and groups is not None:
                raise BadInputError(f"{name} knows no groups", parameter="groups", expected="one of the two")
        coins = _two_coins(votes, chosen_prior, shared_pairs, factor, progress) if two_coins else None
        result = estimate_reliability(
            votes,
            prior=chosen_prior,
            temperature=factor,
            shared_pairs=shared_pairs,
            model=model,
            intervals=intervals,
            fit_tests=fit_tests,
            groups=groups,
            level=level,
            progress=progress.step,
        )
        if compare_models and not result.compared:
            scores = pair_models.compare_models(votes, prior=chosen_prior, progress=progress.step)
            result = replace(result, compared=tuple(asdict(score) for score in scores))
        if not force:
            check_identifiable(result.diagnostics)
        if coins is not None:
            result = coins.beside(result)
        summary = summarise(votes, result, columns=columns, reading_options=told, created=datetime.now(UTC))
        if coins is not None:
            summary["two_coins"] = coins.facts()
        if folder is None:
            return AuditResult(votes, result, summary)
        progress.stage(f"Writing {folder}")
        title = short_name(votes.reading.source if votes.reading else "votes") if report else None
        files = write_audit(folder, votes, result, summary=summary, title=title)
        return AuditResult(votes, result, summary, tuple(files))


def _two_coins(
    votes: Votes, prior: PriorChoice, shared_pairs: bool, temperature: float | Literal["fit"], progress: Progress
) -> TwoCoinResult:
    """The two-coin estimate beside the audit's own; BadInputError beside settings that it does not have."""
    from votewise.annotators.two_coins import estimate_two_coins
    from votewise.errors import BadInputError

    if not shared_pairs:
        raise BadInputError("two_coins judges votes by the others on the same pair", expected="shared_pairs")
    if temperature != 1:
        raise BadInputError("two_coins takes margins as they are", value=temperature, expected="temperature 1")
    return estimate_two_coins(votes, prior=prior, progress=progress.step)
