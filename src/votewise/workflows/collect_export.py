"""A collection -> a training set with a manifest, or the check of an earlier one: ``votewise collect export``."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal, get_args

from votewise.defaults import MIN_CONFIDENCE
from votewise.errors import BadInputError, NotIdentifiableError, many, needs
from votewise.workflows.progress import SILENT, Progress

if TYPE_CHECKING:
    import os

    import pyarrow as pa

    from votewise.collect.exported_rows import ExportedRows
    from votewise.collect.folder import Collection
    from votewise.collect.snapshots import Snapshot

CollectShape = Literal["trl", "votes", "comparisons"]


@dataclass(frozen=True, eq=False)
class CollectExport:
    """A training set.

    Attributes:
        table: its rows.
        left_out: votes that are not in it, by the reason: ``inattentive``, ``unlikely``, ``ties``, ``erased``.
        manifest: what it was made of, as in the file beside it; without ``out`` there is neither hash nor file.
        files: what was written: the rows and the manifest; empty without ``out``.
    """

    table: pa.Table = field(repr=False)
    left_out: dict[str, int]
    manifest: dict[str, Any] = field(repr=False)
    files: tuple[Path, ...] = ()

    def summary(self) -> dict[str, Any]:
        """All but the rows, for JSON."""
        return {**self.manifest, "files": [str(file) for file in self.files]}


@dataclass(frozen=True)
class CollectExportCheck:
    """Whether a training set is what its manifest says, and can be made again.

    Attributes:
        file: the training set.
        problems: what differs, in words; empty where nothing does.
        made_again: whether it was made again; it is not where another version of votewise made it, or the votes differ.
    """

    file: Path
    problems: tuple[str, ...]
    made_again: bool

    def summary(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {"file": str(self.file), "problems": list(self.problems), "made_again": self.made_again}


def collect_export(
    folder: str | os.PathLike[str],
    *,
    to: CollectShape = "trl",
    out: str | os.PathLike[str] | None = None,
    win_rate: str | float | None = None,
    threshold: float | None = None,
    min_confidence: float | None = None,
    check: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> CollectExport | CollectExportCheck:
    """Turn what was gathered into a training set, with what is believed about every vote and whoever gave it.

    Args:
        folder: the folder that ``collect_init`` made.
        to: ``trl`` (prompt, chosen, rejected), ``votes`` (plain votes) or ``comparisons`` (clicks as ``filter_clicks`` reads
            them); all with ``confidence`` and ``attentiveness``.
        out: a .jsonl or .parquet file; a manifest is written beside it and into the database. None writes nothing.
        win_rate: the share of prompts on which the answer of the model of role a is truly better than that of role b, as
            ``filter_clicks`` takes it. Beliefs are then those of ``filter_clicks``; without it, those of ``audit``, which
            need pairs on which several people voted. ``comparisons`` need it.
        threshold: leave out people whose attentiveness is less than this; None leaves out nobody.
        min_confidence: leave out votes whose confidence is less than this; None for 0.5. ``comparisons`` leave out none.
        check: the manifest of an earlier training set: say whether the file is the one it is about, and make it again.
            Everything else is then taken from it.
        progress: is kept informed of how far the work has come.

    Raises:
        BadInputError: the folder cannot be opened, there are no votes, settings that contradict each other, or a file that
            cannot be written.
        NotIdentifiableError: the votes do not determine the answer.
    """
    with needs("collect", "collecting"):
        from votewise.collect.folder import open_collection

    progress = progress or SILENT
    given = (out, win_rate, threshold, min_confidence)
    if check is not None and (to != "trl" or any(value is not None for value in given)):
        raise BadInputError("takes everything from the manifest", parameter="check", expected="no other setting")
    file = None if out is None else Path(out)
    options = {"to": to, "win_rate": win_rate, "threshold": threshold, "min_confidence": min_confidence}
    _check_options(file, options)
    collection = open_collection(Path(folder))
    try:
        if check is not None:
            return _checked(collection, Path(check), progress)
        made = _made(collection, options, progress)
        if file is None:
            return made
        from votewise.collect.manifests import manifest_of, write_export

        progress.stage(f"Writing {file}")
        manifest = write_export(collection, file, made.table, made.manifest)
        return replace(made, manifest=manifest, files=(file, manifest_of(file)))
    finally:
        collection.close()


def _check_options(file: Path | None, options: dict[str, Any]) -> None:
    """Refuse settings that cannot work together before anything is read."""
    to = options["to"]
    if to not in get_args(CollectShape):
        expected = ", ".join(get_args(CollectShape))
        raise BadInputError("there is no such shape", parameter="to", value=to, expected=expected)
    if file is not None and file.suffix not in (".jsonl", ".parquet"):
        raise BadInputError("unknown kind of file", source=str(file), expected="a name ending in .jsonl or .parquet")
    for name in ("threshold", "min_confidence"):
        if options[name] is not None and not 0 <= options[name] <= 1:
            raise BadInputError("out of range", parameter=name, value=options[name], expected="a number from 0 to 1")
    if to == "comparisons" and options["win_rate"] is None:
        problem = "comparisons say nothing about attentiveness without it"
        raise BadInputError(problem, parameter="win_rate", expected="a number such as 0.7, or 160/200 of a gold sample")
    if to == "comparisons" and options["min_confidence"] is not None:
        raise BadInputError("cannot be combined with comparisons", parameter="min_confidence", expected="threshold")


def _made(
    collection: Collection, options: dict[str, Any], progress: Progress, until: float | None = None
) -> CollectExport:
    """The rows, and what the manifest says about them, at this moment or as it was until an earlier one."""
    from votewise.collect.database import reading
    from votewise.collect.manifests import beliefs_version
    from votewise.collect.snapshots import take_snapshot

    progress.stage("Reading the collection")
    with reading(collection.engine) as connection:
        snapshot = take_snapshot(connection, until=until)
    rows, source, settings = _believed(collection, snapshot, options, progress)
    facts = {
        "until": snapshot.until,
        "left_out": rows.left_out,
        "export": options,
        "beliefs": beliefs_version(source, settings, snapshot),
        "config_versions": [{"number": number, "sha256": digest} for number, digest in snapshot.settings],
    }
    return CollectExport(rows.table, rows.left_out, facts)


def _believed(
    collection: Collection, snapshot: Snapshot, options: dict[str, Any], progress: Progress
) -> tuple[ExportedRows, str, dict[str, Any]]:
    """The rows with beliefs, where these are from, and the settings of the estimate."""
    from votewise.collect.click_beliefs import click_beliefs
    from votewise.collect.exported_rows import audit_beliefs, beliefs_by_name, click_rows, preference_rows
    from votewise.sources import read_votes
    from votewise.workflows.audit import audit

    to, threshold = options["to"], options["threshold"]
    erased = snapshot.comparisons["prompt"].null_count
    least = MIN_CONFIDENCE if options["min_confidence"] is None else options["min_confidence"]
    if options["win_rate"] is None:
        try:
            found = audit(snapshot.votes(), fit_tests=False, report=False, progress=progress)
        except NotIdentifiableError as error:
            raise NotIdentifiableError(f"{error} Or give the win rate of the two models: --win-rate.") from None
        beliefs = audit_beliefs(found.votes, found.reliability)
        rows = preference_rows(found.votes, beliefs, to=to, min_confidence=least, threshold=threshold)
        return replace(rows, erased=erased), "audit", found.reliability.settings
    clicks, filtered = _filtered(collection, snapshot, options["win_rate"], progress)
    beliefs = click_beliefs(clicks, filtered.counts, filtered.attentiveness, filtered.flags)
    settings = filtered.attentiveness.settings
    if to == "comparisons":
        return click_rows(snapshot, beliefs, threshold), "filter", settings
    votes = read_votes(snapshot.votes())
    beliefs = beliefs_by_name(votes, clicks, beliefs)
    rows = preference_rows(votes, beliefs, to=to, min_confidence=least, threshold=threshold)
    return replace(rows, erased=erased), "filter", settings


def _filtered(collection: Collection, snapshot: Snapshot, win_rate: str | float, progress: Progress) -> Any:
    """The clicks on answers of two models, and what ``filter_clicks`` makes of them."""
    import pyarrow.compute as pc

    from votewise.workflows.filter_clicks import filter_clicks

    clicks = snapshot.clicks()
    models = {*pc.unique(clicks["model_a"]).to_pylist(), *pc.unique(clicks["model_b"]).to_pylist()}
    if not models:
        raise BadInputError("there are no votes on answers of two models", expected="no win rate")
    a, b = (made.name for role in "ab" if (made := collection.settings.model_of(role)))
    two = models <= {a, b}
    rates: Any = win_rate if two else {f"{a}:{b}": win_rate}
    found = filter_clicks(clicks, win_rate=rates, model=a if two else None, keep=1.0, progress=progress)
    return clicks, found


def _checked(collection: Collection, path: Path, progress: Progress) -> CollectExportCheck:
    from votewise.collect.database import reading
    from votewise.collect.manifests import SUFFIX, hash_of, is_known, read_manifest
    from votewise.storage.row_files import write_rows
    from votewise.storage.versions import library_versions

    manifest = read_manifest(path)
    _check_options(None, manifest["export"])
    file = path.with_name(path.name.removesuffix(SUFFIX))
    problems = [] if hash_of(file) == manifest["sha256"] else [f"{file} is not the file that was exported"]
    with reading(collection.engine) as connection:
        if not is_known(connection, manifest):
            problems.append("the database does not have this manifest")
    made = _made(collection, manifest["export"], progress, until=manifest["until"])
    then, now = manifest["beliefs"], made.manifest["beliefs"]
    if then["votes_sha256"] != now["votes_sha256"]:
        problems.append(
            f"the votes are not those of then: {many(then['votes'], 'vote')} then, {now['votes']:,} now (taken back, erased "
            "or put in since)"
        )
        return CollectExportCheck(file, tuple(problems), made_again=False)
    version = library_versions()["votewise"]
    if manifest["versions"]["votewise"] != version:
        return CollectExportCheck(file, tuple(problems), made_again=False)
    with TemporaryDirectory() as temporary:
        again = Path(temporary) / file.name
        write_rows(again, made.table)
        if hash_of(again) != manifest["sha256"]:
            problems.append("made again, the file is another one")
    return CollectExportCheck(file, tuple(problems), made_again=True)
