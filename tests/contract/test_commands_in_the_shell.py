"""Point 7 of the contract in the shell: every command, run as people run it, counts the votes that a table holds.

The same random tables as in ``test_one_path``, which holds it for the functions of Python.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from containers import TYPED, UNTYPED, json_lines
from containers import file as write
from drawn_contests import WON, contests
from facts import Fact, asked, found_facts, talk, true_counts, true_facts
from flat_shapes import FLAT
from hypothesis import given
from hypothesis import strategies as st
from kept_contract import Table, empty_folder, examples, tables
from nested_shapes import NESTED
from test_one_path import read_or_refused, without_people
from truth import Prompt
from written import Row

from shell import refused, shell
from votewise.annotators.saved import load_audit, load_votes
from votewise.sources import read_votes

pytestmark = pytest.mark.slow

SHAPES = {name: shape for name, shape in (FLAT | NESTED).items() if not shape.joined}

Pair = tuple[Prompt, frozenset[Prompt]]


def clear_facts(facts: Counter[Fact]) -> Counter[Fact]:
    return Counter({fact: number for fact, number in facts.items() if fact[3] is not None})


def majorities(facts: Counter[Fact]) -> dict[Pair, Prompt]:
    """Pair -> the answer that most votes prefer; pairs with as many votes for one as for the other are left out."""
    sums: dict[Pair, Counter[Prompt]] = defaultdict(Counter)
    for (_, prompt, both, better), number in facts.items():
        if better is not None:
            sums[prompt, both][better] += number
    found = {}
    for pair, votes in sums.items():
        (first, most), *others = votes.most_common()
        if not others or others[0][1] < most:
            found[pair] = first
    return found


def facts_of(row: Row) -> tuple[Prompt, frozenset[Prompt], Prompt | None]:
    """Prompt, answers and preferred answer of a row of the plain format, as ``facts`` has them."""
    a, b = talk(row["response_a"], "assistant"), talk(row["response_b"], "assistant")
    return asked(talk(row.get("prompt"), "user")), frozenset((a, b)), {"a": a, "b": b, "tie": None}[row["label"]]


@pytest.mark.parametrize("name", SHAPES)
def test_read_audit_and_simulate_count_the_votes_that_were_written(name: str) -> None:
    shape = SHAPES[name]

    @examples(1)
    @given(drawn=tables(shape), packed=st.booleans())
    def same_votes(drawn: Table, packed: bool) -> None:
        rows, expected = drawn
        truth, counts = true_facts(expected), true_counts(expected)
        with empty_folder() as folder:
            path = (TYPED["jsonl.gz"] if packed else TYPED["jsonl"])(rows, folder)
            if read_or_refused(shape, path) is None:
                refused(shell("read", path))
                return
            said = json.loads(shell("read", path, "--json").out)
            assert said["kept"] == sum(truth.values())
            assert {key: said[key] for key in counts} == counts
            audit = folder / "audit"
            ended = shell("audit", path, "--out", audit, "--force", "--no-report", "--no-intervals", "--json")
            assert ended.code == 0
            assert json.loads(ended.out)["counts"]["votes"] == len(expected)
            assert found_facts(load_votes(load_audit(audit))) == truth
            made = folder / "made.jsonl"
            ended = shell("simulate", "annotators", path, "--out", made, "--votes-per-pair", 1, "--annotators", 1)
            # Gold labels are the truth where there are any; they prefer the answer that comes first in the order of texts.
            pairs = {fact[1:3] for fact in truth}
            better = {(p, both): min(both) for p, both in pairs} if "gold" in rows[0] else majorities(truth)
            if not better:
                assert "no pair has a better response" in refused(ended)
                return
            assert ended.code == 0, ended
            found = [json.loads(line) for line in made.read_bytes().splitlines()]
            assert {facts_of(row | {"label": row["gold"]}) for row in found} == {(*p, one) for p, one in better.items()}
            assert len(found) == len(better)

    same_votes()


WITH_SCORES = [name for name, shape in SHAPES.items() if shape.one_per_row]


@pytest.mark.parametrize("name", WITH_SCORES)
def test_score_gives_every_row_its_margin(name: str) -> None:
    shape = SHAPES[name]

    @examples(1)
    @given(drawn=tables(shape))
    def scored(drawn: Table) -> None:
        rows, expected = drawn
        # A row that was skipped has no vote, and is not scored.
        rows = [row for row, vote in zip(rows, expected, strict=True) if vote.verdict != "skip"]
        own = [row | {"s_1": i / 8, "s_2": (7 * i % 5) / 4} for i, row in enumerate(rows)]
        with empty_folder() as folder:
            path, out = write(folder, "votes.jsonl", json_lines(own)), folder / "scored.jsonl"
            if read_or_refused(shape, path) is None:
                return
            ended = shell("score", path, "--score-columns", "s_1", "s_2", "--out", out)
            assert ended.code == 0, ended
            found = [json.loads(line) for line in out.read_bytes().splitlines()]
            margin = "votewise_margin" if "votewise_margin" in found[0] else "margin"
            assert [row[margin] for row in found] == [row["s_1"] - row["s_2"] for row in own]
            # What was there is there as it was, except that a null may say that there is nothing.
            kept = [{key: value for key, value in row.items() if key in own[0]} for row in found]
            assert [_known(row) for row in kept] == [_known(row) for row in own]

    scored()


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _known(v) for key, v in value.items() if v is not None}
    return [_known(v) for v in value] if isinstance(value, list) else value


# Exports.


@pytest.mark.parametrize("to", ["trl", "votes", "openai"])
@pytest.mark.parametrize("name", SHAPES)
def test_exports_hold_the_votes_that_were_written(name: str, to: str) -> None:
    shape = SHAPES[name]

    @examples(1)
    @given(drawn=tables(shape), suffix=st.sampled_from([".jsonl", ".parquet"]))
    def exported(drawn: Table, suffix: str) -> None:
        rows, expected = drawn
        truth = true_facts(expected)
        clear = clear_facts(truth)
        with empty_folder() as folder:
            path = write(folder, "votes.jsonl", json_lines(rows))
            if read_or_refused(shape, path) is None:
                return
            assert shell("audit", path, "--out", folder / "a", "--force", "--no-report", "--no-intervals").code == 0
            out = folder / f"out{'.jsonl' if to == 'openai' else suffix}"
            ended = shell("export", folder / "a", "--to", to, "--min-confidence", 0, "--out", out)
            if not clear:
                assert ended.code == 0 or refused(ended)
                return
            assert ended.code == 0, ended
            if to == "openai":
                check_openai(out, clear)
            else:
                assert found_facts(read_votes(out)) == clear

    exported()


def check_openai(out: Path, clear: Counter[Fact]) -> None:
    found: Counter[Any] = Counter()
    for line in out.read_bytes().splitlines():
        row = json.loads(line)
        assert row.keys() == {"input", "preferred_output", "non_preferred_output"}
        prompt = talk(row["input"]["messages"], "user")
        better, worse = (talk(row[key], "assistant") for key in ("preferred_output", "non_preferred_output"))
        found[asked(prompt), frozenset((better, worse)), better] += 1
    assert found == without_people(clear)


# Contests.

KINDS = {
    kind: {**TYPED, **UNTYPED}[kind]
    for kind in ("jsonl", "json", "parquet", "arrow stream", "csv", "tsv", "csv.gz", "folder of csv", "saved data set")
}


@pytest.mark.parametrize("said", ["words", "names", "shares"])
@pytest.mark.parametrize("kind", KINDS)
def test_evaluate_counts_the_verdicts_that_were_written(kind: str, said: str) -> None:
    @examples(2)
    @given(contests())
    def counted(drawn: list[Row]) -> None:
        models = {row[key] for row in drawn for key in ("model_a", "model_b")}
        rows = []
        for row in drawn:
            sides = {"a": row["model_a"], "b": row["model_b"], "tie": "tie"}
            verdict = row["verdict"] if said == "words" else sides[row["verdict"]]
            rows.append(row | {"verdict": float(WON[row["verdict"]]) if said == "shares" else verdict})
        with empty_folder() as folder:
            path = KINDS[kind](rows, folder)
            ended = shell("evaluate", "matrix", path, "--column", "verdict", "--out", folder / "m", "--no-report")
            if models & {"a", "b", "tie", "left", "A"} and said != "shares" and ended.code:
                assert "may mean the side or the model" in refused(ended)
                return
            assert ended.code == 0, ended
            found = {
                (row["prompt"], row["response_a"], row["response_b"], row["model_a"], row["model_b"]): row["preference"]
                for row in pq.read_table(folder / "m" / "matrix.parquet").to_pylist()
            }
            assert len(found) == len(drawn)
            for row in drawn:
                key = tuple(row[name] for name in ("prompt", "response_a", "response_b", "model_a", "model_b"))
                other = (key[0], key[2], key[1], key[4], key[3])
                share = float(WON[row["verdict"]])
                assert found.get(key, -1) == share or found.get(other, -1) == 1 - share, (row, found)

    counted()
