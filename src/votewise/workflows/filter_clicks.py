"""A log of clicks -> how attentive its users are, and the clicks of the attentive ones: ``votewise filter``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from votewise.defaults import LEVEL, THRESHOLD
from votewise.errors import BadInputError
from votewise.workflows.progress import SILENT, Progress

if TYPE_CHECKING:
    import os

    import pyarrow as pa

    from votewise.arrays import Bools
    from votewise.data.clicks import Counts
    from votewise.users.known_win_rates import GivenWinRates
    from votewise.users.results import AttentivenessResult


@dataclass(frozen=True, eq=False)
class FilterResult:
    """A filtered log of clicks. Users with equal counts are one cell, and all users of a cell are treated alike.

    Attributes:
        counts: the users' comparisons, C cells.
        attentiveness: beliefs about the users, as tables.
        kept: (C,) whether the users of each cell are kept; None in a dry run.
        flags: (C,) flag of the users of each cell: ``new``, ``inattentive``, ``unsure`` or ``attentive``.
        ladder: in a dry run, how many users and rows each of many rules would keep; else None.
        summary: everything that is not a table, as in ``summary.json``.
        files: what was written, most interesting first; empty without ``out`` and in a dry run.
    """

    counts: Counts = field(repr=False)
    attentiveness: AttentivenessResult
    kept: Bools | None = field(repr=False)
    flags: tuple[str, ...] = field(repr=False)
    ladder: pa.Table | None = field(repr=False)
    summary: dict[str, Any] = field(repr=False)
    files: tuple[Path, ...] = ()


def filter_clicks(
    comparisons: Any,
    *,
    win_rate: GivenWinRates,
    out: str | os.PathLike[str] | None = None,
    keep: float | None = None,
    threshold: float | None = None,
    probability: float | None = None,
    keep_new: bool = False,
    prior: str = "auto",
    level: float = LEVEL,
    user: str = "user",
    model_a: str = "model_a",
    model_b: str = "model_b",
    winner: str = "winner",
    domain: str | None = None,
    model: str | None = None,
    window: str | None = None,
    time: str = "time",
    judgement: str | None = None,
    columns: Mapping[str, str] | None = None,
    label: Mapping[str, str] | None = None,
    criterion: str | None = None,
    split: str | None = None,
    on_error: Literal["stop", "skip"] = "stop",
    dry_run: bool = False,
    report: bool = True,
    progress: Progress | None = None,
) -> FilterResult:
    """Find out which users click with care, and keep their comparisons.

    Args:
        comparisons: a log of clicks: a file, a folder or pattern of files (``clicks/*.csv``), a table's URL, or a table
            in memory.
        win_rate: the share of prompts on which model A's answer is truly better: a number, a ``GoldSample``, a ``Beta``,
            ``Bounds``, or a text such as ``160/200``, ``beta:8,2`` or ``0.55..0.7``. With ``domain`` one for each domain: a
            mapping, or texts such as ``code=0.7``. With more than two models one for each pair that is known, ``A:B=0.7``;
            those of the other matchups are estimated.
        out: folder for report.html, comparisons.parquet, users.parquet and summary.json; None writes nothing. A folder
            with something else than an earlier result in it is refused.
        keep: the share of the users to keep, the most attentive; instead of ``threshold``.
        threshold: the attentiveness from which users are kept; 0.5 where it is None.
        probability: keep only users who reach the threshold with at least this probability; None goes by the estimate.
        keep_new: whether to keep users who are too new to be judged, too.
        prior: how attentiveness is spread over users: ``two-point``, ``beta``, ``beta-mixture:K``, ``logistic-normal:K``,
            ``nonparametric``, or ``auto``, the one that describes these users best.
        level: the probability that an interval covers the truth.
        user: column with the user.
        model_a: column with the model on the first side.
        model_b: column with the model on the second side.
        winner: column with ``model_a``, ``model_b``, a model's name, or ``tie``.
        domain: column with the domain, where win rates differ.
        model: the model that ``win_rate`` is about, A; the first of the two by name where it is None.
        window: judge users again in stretches of this length (``30d``, ``12h``, ``4w``, or a number of comparisons), and
            flag those who changed: with ``out``, drift.parquet and stretches.parquet.
        time: column with the time of a comparison, for ``window``.
        judgement: column that names the judgement which a click comes from, where one rating of several answers gives
            several clicks; these err together and count for fewer.
        columns: another way to name columns, as in other functions: ``{"user": "who", "winner": "choice"}``.
        label: what winners mean, ``{"left": "a"}``: ``a`` (the model on the first side), ``b``, ``tie``, ``both_bad``,
            ``both_good`` or ``skip``.
        criterion: which question counts, where several were asked.
        split: which split of a data set to read.
        on_error: ``stop`` at an unusable row, or ``skip`` it, count it and, with ``out``, write it to rejected.jsonl.
        dry_run: tell how many users and rows each of many rules would keep, and write nothing.
        report: whether to write report.html.
        progress: is kept informed of how far the work has come.

    Raises:
        BadInputError: a log that cannot be read, a setting out of range, a rule that keeps nobody, or a folder that cannot
            be written.
        NotIdentifiableError: a win rate at 1/2, or no comparisons at all.
    """
    from contextlib import nullcontext
    from datetime import UTC, datetime

    from votewise.report import filter_files
    from votewise.report.filter_files import FilteredLog, summarise_drift, summarise_filter, write_filter
    from votewise.sources.meanings.label_words import parse_labels
    from votewise.storage.files import folder_to_write
    from votewise.storage.free_folders import check_folder_is_free
    from votewise.users.drift import find_drift
    from votewise.users.known_win_rates import parse_win_rates
    from votewise.users.log_options import LogOptions, counted_columns, named_columns
    from votewise.users.matchups import rates_of_matchups
    from votewise.users.read_clicks import open_log
    from votewise.users.select import PROBABILITY, Rule, ladder, select_users, user_flags
    from votewise.users.windows import Window
    from votewise.workflows.meanwhile import entered, prepared_meanwhile

    if keep is not None and threshold is not None:
        raise BadInputError("cannot be combined with a threshold", parameter="keep", expected="one rule or the other")
    progress, folder, name = progress or SILENT, folder_to_write(out), _name(comparisons)
    if not dry_run:
        names, keys = (*filter_files.FILES, *filter_files.DRIFT_FILES, filter_files.REJECTED), filter_files.SUMMARY_KEYS
        check_folder_is_free(folder, names=names, summary_keys=keys, command="filter")
    rates = parse_win_rates(win_rate)
    rule = Rule(keep, THRESHOLD if threshold is None else threshold, probability, keep_new)
    stretch = Window.parse(window) if window else None
    given = {"user": user, "model_a": model_a, "model_b": model_b, "winner": winner, "domain": domain, "time": time}
    given["judgement"] = judgement
    named, status, set_aside = named_columns(given, columns)
    counted = counted_columns(named)
    if stretch is not None and named["judgement"] is not None:
        raise BadInputError(
            "cannot be combined with a judgement column", parameter="window", value=window, expected="one or the other"
        )
    progress.stage(f"Reading {name}")
    matchups = [name for name in rates if ":" in name] if isinstance(rates, dict) and domain is None else []
    options = LogOptions(
        model,
        tuple(matchups),
        on_error,
        parse_labels(label),
        criterion,
        split,
        status=status,
        set_aside=set_aside,
        judgement=named["judgement"],
    )
    page = filter_files.prepare_report if report and folder is not None and not dry_run else None
    reading = prepared_meanwhile("pandas", "scipy.special", "scipy.optimize", then=page)
    with entered(open_log(comparisons, counted, options, told=progress.stage), during=reading) as log:
        from votewise.users.estimate import estimate_attentiveness  # here, because it imports much of scipy

        progress.stage("Judging users")
        rates = rates_of_matchups(rates, log.counts) if log.by_matchups else rates
        result = estimate_attentiveness(
            log.counts, win_rate=rates, prior=prior, threshold=rule.threshold, level=level, progress=progress.step
        )
        flags = user_flags(log.counts, result)
        kept = None if dry_run else select_users(log.counts, result, rule)
        filtered = FilteredLog(log, result, rule, kept, flags)
        summary = summarise_filter(filtered, created=datetime.now(UTC))
        files: list[Path] = []
        table = None
        if dry_run:
            table = ladder(log.counts, result, log.count_rows(), probability=probability or PROBABILITY)
        elif folder is None:
            summary["kept"]["rows"] = int(log.count_rows()[kept].sum())
        with (
            find_drift(log, result, stretch, str(named["time"])) if stretch and not dry_run else nullcontext() as drift
        ):
            if drift is not None:
                summary["drift"] = summarise_drift(drift)
            if folder is not None and not dry_run:
                progress.stage(f"Writing {folder}")
                files = write_filter(
                    folder,
                    filtered,
                    summary=summary,
                    title=name if report else None,
                    drift=drift,
                    rejected=on_error == "skip",
                )
    return FilterResult(log.counts, result, kept, tuple(flags), table, summary, tuple(files))


def _name(comparisons: Any) -> str:
    """What messages and the report call the log."""
    import os

    from votewise.sources.containers.naming import short_name

    return short_name(comparisons) if isinstance(comparisons, str | os.PathLike) else "clicks"
