"""Point 10 of the contract: damage is one clear line, and broken rows are left out and kept where that is asked.

``tests/damage.py`` damages one table in many ways; here tables of every shape are damaged at random in every container. What
can still be read must be what the file states to other parsers (``tests/stated.py``).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from containers import TYPED, UNTYPED, json_lines
from containers import file as write
from facts import found_facts, true_facts
from flat_shapes import FLAT
from hypothesis import given
from hypothesis import strategies as st
from kept_contract import Table, empty_folder, examples, tables
from nested_shapes import NESTED
from test_one_path import read_or_refused

from shell import refused, shell
from stated import stated_rows
from votewise.annotators.saved import load_audit, load_votes
from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.sources import read_votes

pytestmark = pytest.mark.slow
"""Each is fast; together they take some seconds."""

SHAPES = FLAT | NESTED
BROKEN = ('{"a": ', "[1]", "7", '{"a": 1, "a": 2}')


@pytest.mark.parametrize("name", SHAPES)
def test_a_broken_line_is_left_out_and_kept(name: str) -> None:
    shape = SHAPES[name]

    @examples(1)
    @given(
        drawn=tables(shape),
        spread=st.integers(0, 99),
        broken=st.sampled_from(['{"a": ', "[1]", "7", '{"a": 1, "a": 2}']),
    )
    def kept(drawn: Table, spread: int, broken: str) -> None:
        rows, _ = drawn
        with empty_folder() as folder:
            if read_or_refused(shape, write(folder, "good.jsonl", json_lines(rows))) is None:
                return
            truth = found_facts(read_votes(folder / "good.jsonl"))
            lines = json_lines(rows).split(b"\n")[:-1]
            place = spread % (len(lines) + 1)
            lines.insert(place, broken.encode())
            path, audit = write(folder, "votes.jsonl", b"\n".join(lines) + b"\n"), folder / "audit"
            words = ("audit", path, "--out", audit, "--force", "--no-report", "--no-intervals")
            for command in (
                ("read", path),
                words,
                ("score", path, "--score-columns", "x", "y", "--out", folder / "s.jsonl"),
            ):
                assert f"row {place + 1}" in refused(shell(*command))
            assert not audit.exists()
            assert json.loads(shell("read", path, "--on-error", "skip", "--json").out)["rejected"] == 1
            assert shell(*words, "--on-error", "skip").code == 0
            assert found_facts(load_votes(load_audit(audit))) == truth
            check_rejected(audit / "rejected.jsonl", place + 1, broken)
            made = folder / "made.jsonl"
            ended = shell("simulate", "annotators", path, "--out", made, "--on-error", "skip", "--votes-per-pair", 1)
            if ended.code == 0:
                check_rejected(folder / "made-rejected.jsonl", place + 1, broken)
            else:
                assert "no pair has a better response" in refused(ended)

    kept()


def check_rejected(path: Path, number: int, text: str) -> None:
    [kept] = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert kept["row"] == number
    assert text in json.dumps(kept) or json.dumps(text)[1:-1] in json.dumps(kept)


@examples(6)
@given(drawn=tables(FLAT["clicks"]), spread=st.integers(0, 99))
def test_filter_and_evaluate_leave_out_a_broken_line_and_keep_it(drawn: Table, spread: int) -> None:
    rows, _ = drawn
    good = [row for row in rows if str(row["winner"]).casefold() not in ("skip", "skipped", "cancelled")]
    more = {"user": "u", "model_a": "big", "model_b": "small", "winner": "big", "row_id": "x"}
    good = [row | {name: f"{row[name]}{sign}" for name, sign in (("prompt", "?"), ("response_a", "!"), ("response_b", "."))}
            for row in [*good, dict.fromkeys(rows[0]) | more]]  # fmt: skip
    with empty_folder() as folder:
        lines = json_lines(good).split(b"\n")[:-1]
        place = spread % (len(lines) + 1)
        lines.insert(place, b'{"broken": ')
        path = write(folder, "clicks.jsonl", b"\n".join(lines) + b"\n")
        for words, rejected in (
            (("filter", path, "--win-rate", 0.8, "--keep", 1, "--prior", "two-point", "--no-report"), "rejected.jsonl"),
            (("evaluate", "matrix", path, "--column", "winner", "--no-report"), "matrix-rejected.jsonl"),
        ):
            out = folder / str(words[0])
            assert f"row {place + 1}" in refused(shell(*words, "--out", out))
            ended = shell(*words, "--out", out, "--on-error", "skip")
            assert ended.code == 0, ended
            check_rejected(out / rejected, place + 1, '{"broken":')


FILES = {
    kind: {**TYPED, **UNTYPED}[kind]
    for kind in (
        "jsonl", "jsonl, BOM", "jsonl, UTF-16", "jsonl.gz", "jsonl.zst", "json", "json.gz", "parquet", "arrow",
        "arrow stream", "feather", "csv", "csv, semicolons", "tsv", "csv, UTF-16", "csv.gz", "csv.zst",
    )
}  # fmt: skip


def damaged(data: bytes, how: str, places: tuple[int, int, int]) -> bytes:
    """Bytes with bits flipped, or a part cut off, taken out, doubled or overwritten."""
    start, end = sorted(place % len(data) for place in places[:2])
    if how == "flipped":
        out = bytearray(data)
        for place in places:
            out[place % len(data)] ^= 1 << (place % 8)
        return bytes(out)
    if how == "overwritten":
        return data[:start] + bytes(end - start) + data[end:]
    return {"cut": data[:start], "taken out": data[:start] + data[end:], "doubled": data[:end] + data[start:]}[how]


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("name", SHAPES)
def test_what_is_damaged_is_refused_or_is_what_the_file_states(name: str, kind: str) -> None:
    shape = SHAPES[name]
    if kind in UNTYPED and not shape.flat:
        return

    @examples(1)
    @given(
        drawn=tables(shape),
        how=st.sampled_from(["flipped", "cut", "taken out", "doubled", "overwritten"]),
        places=st.tuples(*[st.integers(0, 2**30)] * 3),
    )
    def one_line(drawn: Table, how: str, places: tuple[int, int, int]) -> None:
        with empty_folder() as folder:
            path = Path(FILES[kind](list(drawn[0]), folder))
            path.write_bytes(damaged(path.read_bytes(), how, places))
            try:
                votes = read_votes(path)
            except BadInputError as error:
                check_line(str(error))
                return
            check_same(votes, read_votes(stated_rows(path)))

    one_line()


def check_line(text: str) -> None:
    assert text
    assert "\n" not in text


def check_same(votes: Votes, expected: Votes) -> None:
    assert votes.reading is not None
    assert expected.reading is not None
    assert found_facts(votes) == found_facts(expected)
    one, other = ((r.votes, r.kept, r.skipped, r.repeated, r.rejected) for r in (votes.reading, expected.reading))
    assert one == other


def test_the_other_parsers_read_what_was_written() -> None:
    @examples(20)
    @given(tables(FLAT["trl"]))
    def same(drawn: Table) -> None:
        rows, expected = drawn
        if read_or_refused(FLAT["trl"], rows) is None:
            return
        for contain in FILES.values():
            with empty_folder() as folder:
                assert found_facts(read_votes(stated_rows(Path(contain(list(rows), folder))))) == true_facts(expected)

    same()
