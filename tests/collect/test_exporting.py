"""A training set says what is believed about its votes, and its manifest is enough to make it again."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import select, update

from shell import refused, shell
from votewise import CollectExport, CollectExportCheck, audit, collect_export, filter_clicks, read_votes
from votewise.collect import schema
from votewise.collect.asking import ComparisonRequest, GivenAnswer, create
from votewise.collect.database import reading, writing
from votewise.collect.folder import Collection
from votewise.collect.gathered_counts import url_of
from votewise.collect.states import Choice
from votewise.collect.voting import GivenVote, finalise_due, put_vote
from votewise.errors import BadInputError, NotIdentifiableError

# ibis reads SQLite through pandas, with an option that is deprecated there.
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")

Gather = Callable[..., None]


@pytest.fixture
def gather(collection: Collection, new_product: Callable[[], int], later: Callable[[float], None]) -> Gather:
    """Puts votes of eight users in: everybody on the same pairs where ``shared``, else each on pairs of their own.

    Half choose the answer of ``new`` nearly always, half toss a coin. Every tenth vote is a tie.
    """
    mine = new_product()

    def make(*, shared: bool, pairs: int = 20, seed: int = 1, **values: Any) -> None:
        dice = random.Random(seed)
        with writing(collection.engine) as connection:
            for user in range(8):
                for number in range(pairs):
                    text = f"{seed}-{number}" if shared else f"{seed}-{number}-{user}"
                    both = [GivenAnswer("new", f"Yes {text}"), GivenAnswer("old", f"No {text}")]
                    swapped = dice.random() < 0.5
                    left, right = reversed(both) if swapped else both
                    asked = ComparisonRequest(
                        f"{seed}-{user}-{number}", f"u{user}", f"Ask {text}", left=left, right=right, **values
                    )
                    row, _ = create(connection, collection, mine, asked)
                    for_new = dice.random() < (0.95 if user % 2 else 0.5)
                    choice: Choice = "left" if for_new != swapped else "right"
                    vote = GivenVote("tie" if number % 10 == 9 else choice)
                    put_vote(connection, collection, mine, row.id, vote)
        later(10)
        with writing(collection.engine) as connection:
            finalise_due(connection, collection.clock())

    return make


def exported(collection: Collection, **options: Any) -> CollectExport:
    found = collect_export(collection.folder, **options)
    assert isinstance(found, CollectExport)
    return found


def checked(collection: Collection, manifest: Path) -> CollectExportCheck:
    found = collect_export(collection.folder, check=manifest)
    assert isinstance(found, CollectExportCheck)
    return found


def test_trl_rows_have_the_beliefs_of_an_audit(collection: Collection, gather: Gather, tmp_path: Path) -> None:
    gather(shared=True)
    file = tmp_path / "train.jsonl"
    found = exported(collection, out=file, min_confidence=0.0)
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == len(found.table) == 8 * 18
    assert found.left_out == {"inattentive": 0, "unlikely": 0, "ties": 16, "erased": 0}
    audited = audit(url_of(collection, "votes"), fit_tests=False)
    reliability = dict(
        zip(*(audited.reliability.annotators[name].to_pylist() for name in ("annotator", "reliability")), strict=True)
    )
    confidence = dict(
        zip(
            audited.votes.table["comparison"].to_pylist(),
            audited.reliability.votes["confidence"].to_pylist(),
            strict=True,
        )
    )
    for row in rows:
        assert row["attentiveness"] == pytest.approx(2 * reliability[row["annotator"]] - 1)
        assert row["attentiveness_low"] <= row["attentiveness"] <= row["attentiveness_high"]
        assert row["confidence"] == pytest.approx(confidence[row["comparison"]])
        assert {row["prompt"].split()[1]} == {text.split()[1] for text in (row["chosen"], row["rejected"])}
    with reading(collection.engine) as connection:
        joined = schema.vote.join(schema.comparison)
        choices = {
            row.id: row
            for row in connection.execute(select(schema.comparison, schema.vote.c.choice).select_from(joined))
        }
        answers = connection.execute(select(schema.answer.c.id, schema.answer.c.content))
        texts = {row.id: row.content for row in answers}
    for row in rows:
        there = choices[row["comparison"]]
        left, right = texts[there.left_answer], texts[there.right_answer]
        assert [row["chosen"], row["rejected"]] == ([left, right] if there.choice == "left" else [right, left])


def test_comparisons_have_the_beliefs_of_a_filter(collection: Collection, gather: Gather, tmp_path: Path) -> None:
    gather(shared=False)
    file = tmp_path / "clicks.parquet"
    found = exported(collection, to="comparisons", win_rate="0.9", out=file)
    rows = pq.read_table(file)
    assert len(rows) == len(found.table) == 160
    folder = tmp_path / "filtered"
    filter_clicks(url_of(collection, "comparisons"), win_rate=0.9, model="new", keep=1.0, report=False, out=folder)
    theirs = {row["user"]: row for row in pq.read_table(folder / "users.parquet").to_pylist()}
    for row in rows.to_pylist():
        user = theirs[row["user"]]
        for name, own in (("attentiveness", "attentiveness"), ("low", "attentiveness_low"), ("flag", "flag")):
            assert row[own] == user[name]
        assert (row["confidence"] is None) == (row["winner"] == "tie")
    again = filter_clicks(str(file), win_rate=0.9, model="new", keep=1.0)
    assert again.counts.n_users == 8


def test_trl_rows_of_clicks_leave_out_the_inattentive(collection: Collection, gather: Gather) -> None:
    gather(shared=False, pairs=40)
    with pytest.raises(NotIdentifiableError, match="--win-rate"):
        collect_export(collection.folder)
    every = exported(collection, win_rate=0.9, min_confidence=0.0)
    some = exported(collection, win_rate=0.9, min_confidence=0.0, threshold=0.5)
    assert len(every.table) == 8 * 36
    kept = {row["annotator"] for row in every.table.to_pylist() if row["attentiveness"] >= 0.5}
    assert {row["annotator"] for row in some.table.to_pylist()} == kept
    assert 0 < len(kept) < 8
    assert some.left_out["inattentive"] == len(every.table) - len(some.table)
    likely = exported(collection, win_rate=0.9, min_confidence=0.9)
    assert min(likely.table["confidence"].to_pylist()) >= 0.9
    assert likely.left_out["unlikely"] == len(every.table) - len(likely.table)


def test_plain_votes_are_read_again(collection: Collection, gather: Gather, tmp_path: Path) -> None:
    gather(shared=True)
    file = tmp_path / "votes.jsonl"
    found = exported(collection, to="votes", out=file, min_confidence=0.0)
    votes = read_votes(str(file))
    assert (len(votes.sign), len(votes.annotator_ids), len(votes.pair_ids)) == (len(found.table), 8, 18)


def test_a_model_sees_the_system_text_and_what_was_said_before(collection: Collection, gather: Gather) -> None:
    gather(shared=True)
    talk = {"system": "Be kind.", "history": ({"role": "user", "content": "Hi."},)}
    gather(shared=True, seed=2, pairs=3, **talk)
    rows = exported(collection, min_confidence=0.0).table.to_pylist()
    asked = {tuple(one["role"] for one in row["prompt"]) for row in rows}
    assert asked == {("user",), ("system", "user", "user")}
    assert all(len(row["chosen"]) == 1 and row["chosen"][0]["role"] == "assistant" for row in rows)
    assert "Be kind." in {row["prompt"][0]["content"] for row in rows}


@pytest.mark.parametrize("name", ["train.jsonl", "train.parquet"])
def test_the_same_state_gives_the_same_bytes(
    collection: Collection, gather: Gather, tmp_path: Path, later: Callable[[float], None], name: str
) -> None:
    gather(shared=True)
    first, second = tmp_path / "a" / name, tmp_path / "b" / name
    exported(collection, out=first)
    later(1000)
    exported(collection, out=second)
    assert first.read_bytes() == second.read_bytes()


def test_a_manifest_says_what_was_exported_and_is_enough_to_make_it_again(
    collection: Collection, gather: Gather, tmp_path: Path
) -> None:
    gather(shared=True)
    file, beside = tmp_path / "train.jsonl", tmp_path / "train.jsonl.manifest.json"
    made = exported(collection, out=file, min_confidence=0.6)
    assert made.files == (file, beside)
    manifest = json.loads(beside.read_text(encoding="utf-8"))
    assert manifest == made.manifest
    assert manifest["export"]["min_confidence"] == 0.6
    assert (manifest["rows"], manifest["beliefs"]["votes"]) == (len(made.table), 160)
    assert [version["number"] for version in manifest["config_versions"]] == [1]
    with reading(collection.engine) as connection:
        (content,) = connection.execute(select(schema.export_manifest.c.content)).scalars()
    assert json.loads(content) == manifest
    assert checked(collection, beside) == CollectExportCheck(file, (), made_again=True)
    gather(shared=True, seed=2)
    assert len(exported(collection, min_confidence=0.6).table) > len(made.table)
    assert checked(collection, beside) == CollectExportCheck(file, (), made_again=True)
    shown = shell("collect", "export", collection.folder, "--check", beside)
    assert (shown.code, "the same byte for byte" in shown.out) == (0, True)


def test_what_differs_is_said(collection: Collection, gather: Gather, tmp_path: Path) -> None:
    gather(shared=True)
    file, beside = tmp_path / "train.jsonl", tmp_path / "train.jsonl.manifest.json"
    exported(collection, out=file)
    kept = file.read_bytes()
    file.write_bytes(kept + b"\n")
    assert checked(collection, beside).problems == (f"{file} is not the file that was exported",)
    file.write_bytes(kept)
    manifest = json.loads(beside.read_text(encoding="utf-8"))
    beside.write_text(json.dumps({**manifest, "rows": 1}), encoding="utf-8")
    assert checked(collection, beside).problems == ("the database does not have this manifest",)
    beside.write_text(json.dumps(manifest), encoding="utf-8")
    with writing(collection.engine) as connection:
        one = select(schema.comparison.c.id).order_by(schema.comparison.c.id).limit(1).scalar_subquery()
        connection.execute(update(schema.comparison).where(schema.comparison.c.id == one).values(state="voided"))
    (problem,) = checked(collection, beside).problems
    assert "160 votes then, 159 now" in problem
    shown = shell("collect", "export", collection.folder, "--check", beside, "--json")
    assert (shown.code, json.loads(shown.out)["made_again"]) == (1, False)


def test_nothing_is_left_where_the_database_fails(
    collection: Collection, gather: Gather, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gather(shared=True, pairs=10)
    file = tmp_path / "out" / "train.jsonl"
    exported(collection, out=file)
    before = {path.name: path.read_bytes() for path in file.parent.iterdir()}
    gather(shared=True, pairs=10, seed=2)

    def fail(*_: Any) -> None:
        raise BadInputError("the disk is full")

    monkeypatch.setattr("votewise.collect.manifests.retried", fail)
    with pytest.raises(BadInputError, match="the disk is full"):
        exported(collection, out=file)
    assert {path.name: path.read_bytes() for path in file.parent.iterdir()} == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--to", "comparisons", "--out", "x.jsonl"], "say nothing about attentiveness without it"),
        (["--out", "x.csv"], "a name ending in .jsonl or .parquet"),
        (["--out", "x.jsonl", "--threshold", "2"], "a number from 0 to 1"),
        (["--to", "comparisons", "--win-rate", "0.7", "--min-confidence", "0.6"], "min-confidence"),
        (["--check", "x.manifest.json", "--threshold", "0.5"], "takes everything from the manifest"),
        (["--check", "x.manifest.json"], "x.manifest.json"),
        (["--out", "x.jsonl"], "there are no votes yet that cannot be undone"),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    shell("collect", "init", "study")
    assert said in refused(shell("collect", "export", "study", *options))
    assert not Path("x.jsonl").exists()
