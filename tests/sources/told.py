"""Votes in words that are easy to write by hand, and small sources in every container."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.sources import read_votes

Row = dict[str, Any]


def vote(i: int, label: str = "a", **more: Any) -> Row:
    """A plain vote on pair ``i``, with more columns."""
    return {
        "annotator": "w",
        "prompt": f"Ask {i}",
        "response_a": f"one{i}",
        "response_b": f"two{i}",
        "label": label,
    } | more


def refused(rows: Any, *words: str, **options: Any) -> None:
    """Reading must fail, with all of these words in the message."""
    with pytest.raises(BadInputError) as error:
        read_votes(rows, **options)
    for word in words:
        assert word in str(error.value)


def flat(value: Any) -> str:
    """A text as it is, a conversation as its texts; what else a message has follows in braces."""
    if value is None or isinstance(value, str):
        return value or ""
    return " / ".join(
        ("system: " if message["role"] == "system" else "")
        + message["content"]
        + (f" {{{message['other']}}}" if message.get("other") else "")
        for message in value
    )


def told(votes: Votes) -> list[str]:
    """Each vote as ``who: better > worse | prompt``, or ``who: one = other | prompt`` for a tie; sorted."""
    pairs = votes.texts.to_pylist() if votes.texts is not None else [{}] * votes.n_pairs
    names = votes.pair_ids.to_pylist()
    found = []
    for pair, who, sign in zip(votes.pair.tolist(), votes.annotator.tolist(), votes.sign.tolist(), strict=True):
        known = pairs[pair].get("response_a") is not None
        a, b = (flat(pairs[pair][name]) for name in ("response_a", "response_b")) if known else ("a", "b")
        asked = flat(pairs[pair]["prompt"]) if known else names[pair]
        one, other = (b, a) if sign < 0 else (a, b) if sign > 0 else sorted((a, b))
        found.append(f"{votes.annotator_ids[who].as_py()}: {one} {'>' if sign else '='} {other} | {asked}")
    return sorted(found)


def written(rows: Any, container: str, folder: Path) -> Any:
    """The rows in a container: a file of that suffix, ``list``, or what a text is as ``.csv`` or ``.tsv``."""
    path = folder / f"votes.{container}"
    match container:
        case "list":
            return rows
        case "jsonl":
            path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
        case "json":
            path.write_text(json.dumps(rows, ensure_ascii=False, indent=1), "utf-8")
        case "parquet":
            pq.write_table(rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows), path)
        case "arrow":
            table = pa.Table.from_pylist(rows)
            with pa.ipc.new_file(path, table.schema) as file:
                file.write_table(table)
        case "csv" | "tsv" if isinstance(rows, str):
            path.write_text(rows, "utf-8")
        case "csv" | "tsv":
            names = list(dict.fromkeys(name for row in rows for name in row))
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, names, delimiter="," if container == "csv" else "\t")
                writer.writeheader()
                writer.writerows(rows)
    return path


@dataclass(frozen=True)
class Sample:
    """A source of some kind of silent loss, and what its owner would say it means.

    Attributes:
        rows: rows, the text of a CSV, or a table of some library.
        votes: the votes as ``told`` has them, or None where it must be refused.
        container: in what the rows come; see ``written``.
        refused: words that the refusal must hold.
        options: arguments of ``read_votes``.
    """

    rows: Any
    votes: list[str] | None = None
    container: str = "jsonl"
    refused: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    def check(self, folder: Path) -> Votes | None:
        """Read the source and compare; gives the votes, or None where it was refused as it must be."""
        source = written(self.rows, self.container, folder)
        if self.votes is None:
            with pytest.raises(BadInputError) as refused:
                read_votes(source, **self.options)
            message = str(refused.value)
            assert "\n" not in message
            assert all(word in message for word in self.refused), message
            return None
        found = read_votes(source, **self.options)
        assert told(found) == sorted(self.votes)
        return found
