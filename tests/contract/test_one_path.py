"""Point 7 of the contract: one path.

All commands read through the same door and accept the same shapes. The same table gives the same votes whichever command
reads it and whatever holds it: files of every kind and encoding, packed or not, one file or several, whole or in parts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from containers import TYPED, UNTYPED, json_lines
from containers import file as write
from facts import Fact, check_votes, found_facts, true_facts
from flat_shapes import FLAT
from hypothesis import given
from kept_contract import Table, empty_folder, examples, tables
from nested_shapes import NESTED
from small_limits import small_limits
from truth import TrueVote
from written import Row, WrittenShape

import votewise
from votewise.annotators.saved import load_audit, load_votes
from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.score.pairs import read_pairs
from votewise.sources import read_votes
from votewise.train.read_options import training_votes

pytestmark = pytest.mark.slow
"""Each is fast; together they take half a minute on two cores."""

SHAPES = FLAT | NESTED

NO_PROMPT = "holds texts and has no role, and no other column is read as the prompt|and no column is read as the prompt"
"""Refusals that tables of empty prompts may meet: another column, of texts or ids, may be what was asked."""

IN_PARTS = (
    "jsonl", "json", "json, one object after the other", "csv", "csv.gz", "csv, UTF-16", "parquet", "arrow", "arrow stream",
    "feather", "folder of parquet", "glob of parquet", "folder of jsonl", "saved data set", "json, one object", "list",
    "generator", "pyarrow", "pandas", "polars", "datasets",
)  # fmt: skip
"""Containers that large tables are read from part by part."""


def read_or_refused(shape: WrittenShape, source: Any, **options: Any) -> Votes | None:
    """The votes; None where reading is refused as the shape allows, because its words mean two things."""
    try:
        return read_votes(source, **options)
    except BadInputError as error:
        if not re.search(NO_PROMPT if shape.refused is None else f"{NO_PROMPT}|{shape.refused}", str(error)):
            raise
        return None


def on_read_tables(shape: WrittenShape, number: int, holds: Callable[[list[Row], list[TrueVote], Votes], None]) -> None:
    """Try so many random tables of a shape that are read: their rows, the votes that they hold and those that are read."""

    @examples(number)
    @given(tables(shape))
    def on_each(drawn: Table) -> None:
        rows, expected = drawn
        votes = read_or_refused(shape, rows)
        if votes is not None:
            holds(rows, expected, votes)

    on_each()


def check(shape: WrittenShape, source: Any, expected: list[TrueVote]) -> None:
    votes = read_or_refused(shape, source)
    if votes is None:
        return
    assert votes.reading is not None
    assert votes.reading.format == shape.format
    assert votes.reading.one_per_row == shape.one_per_row
    check_votes(votes, expected, joined=shape.joined)


@pytest.mark.parametrize("in_parts", [False, True], ids=["whole", "in parts"])
@pytest.mark.parametrize("name", SHAPES)
def test_every_container_gives_the_votes_that_were_written(name: str, in_parts: bool) -> None:
    shape = SHAPES[name]
    containers = TYPED | (UNTYPED if shape.flat else {})
    chosen = {kind: containers[kind] for kind in IN_PARTS if kind in containers} if in_parts else containers

    @examples(1 if in_parts else 2)
    @given(tables(shape))
    def same_votes(drawn: Table) -> None:
        rows, expected = drawn
        with small_limits() if in_parts else nullcontext():
            for kind, contain in chosen.items():
                with empty_folder() as folder:
                    try:
                        check(shape, contain(list(rows), folder), expected)
                    except BaseException as error:
                        error.add_note(f"in {kind}: {rows}")
                        raise

    same_votes()


def trained_on(path: Path) -> Any:
    """The votes that `votewise train` reads."""
    data = SimpleNamespace(
        columns=None, label=None, criterion=None, split=None, one_annotator=None, votes_format="auto", on_error="stop",
        dry_run=True,
    )  # fmt: skip
    training = SimpleNamespace(annotator_column=None, process_index=0, output_dir=str(path.parent))
    return training_votes(SimpleNamespace(data=data, training=training), str(path))  # type: ignore[arg-type]


def without_people(facts: Counter[Fact]) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for (_, *fact), number in facts.items():
        found[tuple(fact)] += number
    return found


def scored(path: Path) -> Counter[Any]:
    """What `votewise score` reads: facts without people."""
    pairs = read_pairs(str(path))
    assert pairs.prompt is not None
    assert pairs.response_a is not None
    assert pairs.response_b is not None
    assert pairs.sign is not None
    found = SimpleNamespace(
        texts=SimpleNamespace(
            to_pylist=lambda: [
                {"prompt": p, "response_a": a, "response_b": b}
                for p, a, b in zip(pairs.prompt, pairs.response_a, pairs.response_b, strict=True)  # type: ignore[arg-type]
            ]
        ),
        annotator_ids=SimpleNamespace(to_pylist=lambda: [""]),
        pair=SimpleNamespace(tolist=lambda: list(range(len(pairs)))),
        annotator=SimpleNamespace(tolist=lambda: [0] * len(pairs)),
        sign=pairs.sign,
    )
    return without_people(found_facts(found))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [name for name in SHAPES if not SHAPES[name].joined])
def test_every_command_reads_the_votes_that_were_written(name: str) -> None:
    shape = SHAPES[name]

    @examples(2)
    @given(tables(shape))
    def same_votes(drawn: Table) -> None:
        rows, expected = drawn
        with empty_folder() as folder:
            path, truth = write(folder, "votes.jsonl", json_lines(rows)), true_facts(expected)
            if read_or_refused(shape, path) is None:
                return
            assert found_facts(votewise.read(str(path)).votes) == truth
            audit = votewise.audit(str(path), out=folder / "audit", report=False, intervals=False, force=True)
            assert found_facts(audit.votes) == truth
            assert found_facts(load_votes(load_audit(folder / "audit"))) == truth
            assert found_facts(trained_on(path)) == truth
            assert scored(path) == without_people(truth)
            kept = votewise.export(folder / "audit", to="votes", min_confidence=0.0, out=folder / "kept.jsonl")
            clear = Counter({fact: number for fact, number in truth.items() if fact[3] is not None})
            assert kept.ties == sum(truth.values()) - sum(clear.values())
            if clear:
                assert found_facts(read_votes(folder / "kept.jsonl")) == clear

    same_votes()
