"""Votes of judges -> what the jury is worth: ``votewise jury``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from votewise.defaults import LEVEL
from votewise.workflows.progress import SILENT, Progress

if TYPE_CHECKING:
    import os

    from votewise.annotators.jury_figures import JuryWorth
    from votewise.data.votes import Votes

FILES = ("report.html", "pairs.parquet", "summary.json")


@dataclass(frozen=True, eq=False)
class JuryResult:
    """A jury, measured.

    Attributes:
        votes: the votes as read.
        worth: what its judges are worth, alone and together.
        summary: all figures, as in ``summary.json``.
        files: what was written; empty without ``out``.
    """

    votes: Votes = field(repr=False)
    worth: JuryWorth
    summary: dict[str, Any] = field(repr=False)
    files: tuple[Path, ...] = ()


def jury(
    votes: Any,
    *,
    out: str | os.PathLike[str] | None = None,
    group: Mapping[str, str] | None = None,
    cost: Mapping[str, float] | None = None,
    format: str = "auto",
    columns: Mapping[str, str] | None = None,
    label: Mapping[str, str] | None = None,
    criterion: str | None = None,
    split: str | None = None,
    one_annotator: str | None = None,
    on_error: Literal["stop", "skip"] = "stop",
    level: float = LEVEL,
    report: bool = True,
    progress: Progress | None = None,
) -> JuryResult:
    """Measure what a jury is worth: how many independent judges, how often it is right, and each judge's habits.

    Judges are compared with gold, where the votes have it, else with the majority of all annotators who are no judges.

    Args:
        votes: whatever ``read_votes`` reads, such as what ``votewise.judge`` writes, or ``Votes``.
        out: folder for report.html, pairs.parquet and summary.json; None writes nothing.
        group: group -> pattern of the names of its judges, ``{"openai": "gpt-*"}``; without it, judges are those with a
            value in the column ``group``, or, without that column, all annotators.
        cost: what a judge costs, by name; without it, all cost the same.
        format: name of the format, or ``auto``; see ``read_votes``.
        columns: the format's name of a column -> the name it has in the source.
        label: what values of the label mean, ``{"left": "a"}``.
        criterion: which question counts, where several were asked.
        split: which split of a data set to read.
        one_annotator: says that votes without a name are all by this one person or model.
        on_error: ``stop`` at an unusable row, or ``skip`` it and, with ``out``, write it to rejected.jsonl.
        level: probability that an interval contains the truth.
        report: whether to write report.html.
        progress: is kept informed of how far the work has come.

    Raises:
        BadInputError: votes that cannot be read, a group without judges, or a folder that cannot be written.
    """
    from votewise.data.votes import Votes
    from votewise.errors import BadInputError
    from votewise.sources import read_votes
    from votewise.sources.containers.naming import short_name
    from votewise.storage.files import folder_to_write, written_at_last
    from votewise.storage.free_folders import check_folder_is_free

    progress = progress or SILENT
    if not 0 < level < 1:
        raise BadInputError("is no probability", parameter="level", value=level, expected="above 0, below 1")
    folder = folder_to_write(out)
    check_folder_is_free(
        folder, names=(*FILES, "rejected.jsonl"), summary_keys=("jury", "judges", "reference"), command="jury"
    )
    told: dict[str, Any] = {"label": label, "criterion": criterion, "one_annotator": one_annotator, "split": split}
    kept = folder / "rejected.jsonl" if folder is not None and on_error == "skip" else None
    with written_at_last(None if isinstance(votes, Votes) else kept) as aside:
        if not isinstance(votes, Votes):
            progress.stage(f"Reading {short_name(votes)}")
            votes = read_votes(
                votes, format=format, columns=columns, on_error=on_error, rejects=aside, **told
            ).rejects_in(kept)
        progress.stage("Measuring the jury")
        worth = measure_jury(votes, group=group, cost=cost, level=level)
        source = short_name(votes.reading.source if votes.reading else "votes")
        summary = summary_of(worth, source)
        if folder is None:
            return JuryResult(votes, worth, summary)
        progress.stage(f"Writing {folder}")
        return JuryResult(votes, worth, summary, _write(folder, votes, worth, summary, report=report))


def measure_jury(
    votes: Votes,
    *,
    group: Mapping[str, str] | None = None,
    cost: Mapping[str, float] | None = None,
    level: float = LEVEL,
) -> JuryWorth:
    """``votewise.annotators.jury_worth.jury_worth`` of some votes, with costs of judges that are there.

    Raises:
        BadInputError: a group without judges, or a cost of nobody.
    """
    from votewise.annotators.jury_votes import jury_votes
    from votewise.annotators.jury_worth import jury_worth
    from votewise.errors import BadInputError

    found = jury_votes(votes, group=group)
    for name in cost or {}:
        if name not in found.names:
            raise BadInputError(
                "is no judge", parameter="cost", value=name, expected=f"one of {', '.join(found.names[:20])}"
            )
    return jury_worth(found, costs=cost, level=level)


def summary_of(worth: JuryWorth, source: str) -> dict[str, Any]:
    """All figures as JSON values; a figure that is not known is null."""
    from dataclasses import asdict

    from votewise._version import __version__

    together = None if worth.together is None else asdict(worth.together)
    if together is not None:
        del together["probability"]
    rest = {
        "pairs": worth.pairs,
        "reference": worth.reference,
        "person": worth.person,
        "person_known": worth.person_known,
        "level": worth.level,
        "notes": list(worth.notes),
    }
    found: dict[str, Any] = {"source": source, "versions": {"votewise": __version__}, "jury": together, **rest}
    found["judges"] = [asdict(judge) for judge in worth.judges]
    return {key: _finite(value) for key, value in found.items()}


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


def _write(folder: Path, votes: Votes, worth: JuryWorth, summary: dict[str, Any], *, report: bool) -> tuple[Path, ...]:
    import numpy as np
    import pyarrow as pa

    from votewise.report.jury_page import write_jury_report
    from votewise.storage.files import write_json, written_whole
    from votewise.storage.row_files import write_rows

    folder.mkdir(parents=True, exist_ok=True)
    known = worth.together.probability if worth.together else np.full(worth.pairs, np.nan)
    table = pa.table({"pair": votes.pair_ids, "p_a": pa.array(known, from_pandas=True)})
    write_rows(folder / "pairs.parquet", table)
    files = [folder / "pairs.parquet", folder / "summary.json"]
    if report:
        facts = {"source": summary["source"], "version": summary["versions"]["votewise"]}
        files.insert(0, write_jury_report(folder / "report.html", worth, title=summary["source"], facts=facts))
    with written_whole(folder / "summary.json") as partial:
        write_json(partial, summary)
    return tuple(files)
