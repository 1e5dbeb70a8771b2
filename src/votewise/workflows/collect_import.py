"""Pairs for annotators to judge -> a collection: ``votewise collect import``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from votewise.errors import BadInputError, needs

if TYPE_CHECKING:
    import os


@dataclass(frozen=True)
class CollectImport:
    """What became of a file of pairs.

    Attributes:
        new: pairs that were put in.
        known: pairs whose texts were there already.
        other_texts: names that were there already, with other texts; these pairs were not put in.
        identical: rows with two equal answers, which were left out.
        rejected: rows that could not be used.
        rejected_file: where these rows are, with the reasons; None where there are none.
        total: pairs of the campaign now.
    """

    new: int
    known: int
    other_texts: int
    identical: int
    rejected: int
    rejected_file: Path | None
    total: int

    def summary(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {**asdict(self), "rejected_file": None if self.rejected_file is None else str(self.rejected_file)}


def collect_import(
    folder: str | os.PathLike[str],
    pairs: Any,
    *,
    want: int | None = None,
    limit: int | None = None,
    format: str = "auto",
    columns: Mapping[str, str] | None = None,
    label: Mapping[str, str] | None = None,
    criterion: str | None = None,
    split: str | None = None,
    one_annotator: str | None = None,
    on_error: Literal["stop", "skip"] = "stop",
) -> CollectImport:
    """Put pairs into a collection, for invited annotators to judge. A pair that is there already stays as it is.

    Args:
        folder: the folder that ``collect_init`` made.
        pairs: votes in any format, or a table with ``response_a`` and ``response_b``, as ``judge`` takes them. Votes are not
            put in.
        want: most votes of each new pair, audit votes apart; None for ``collect.toml``'s.
        limit: limit the number of pairs.
        format: name of the format, or ``auto``; see ``read_votes``.
        columns: the format's name of a column -> the name it has in the source.
        label: what values of the label mean, ``{"left": "a"}``, where the pairs are those of votes.
        criterion: which question counts, where several were asked.
        split: which split of a data set to read.
        one_annotator: says that votes without a name are all by this one person or model.
        on_error: ``stop`` at an unusable row, or ``skip`` it and write it to ``rejected.jsonl`` in the folder.

    Raises:
        BadInputError: the folder cannot be opened, the pairs cannot be read, or a number out of range.
    """
    with needs("collect", "collecting"):
        from votewise.collect.folder import open_collection
        from votewise.collect.importing import import_pairs
    from votewise.judge.asked_pairs import read_asked_pairs
    from votewise.sources.reader import SourceReader

    if want is not None and not 1 <= want <= 1000:
        raise BadInputError("out of range", parameter="want", value=want, expected="1 to 1000")
    collection = open_collection(Path(folder))
    try:
        told: dict[str, Any] = {"label": label, "criterion": criterion, "split": split, "one_annotator": one_annotator}
        reader = SourceReader(columns=columns, on_error=on_error, **told)
        asked = read_asked_pairs(pairs, reader, format=format, limit=limit)
        usual = collection.settings.campaign.rule.want
        counts = import_pairs(collection, asked, want=usual if want is None else want)
        file = Path(folder) / "rejected.jsonl"
        rejected = reader.write_rejected(file if reader.rejected.rows and on_error == "skip" else None)
        return CollectImport(
            new=counts.new,
            known=counts.known,
            other_texts=counts.other_texts,
            identical=asked.identical,
            rejected=rejected.rows,
            rejected_file=rejected.file,
            total=counts.total,
        )
    finally:
        collection.close()
