"""The views ``votes`` and ``comparisons``: what ``votewise audit`` and ``votewise filter`` read of a database in use."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text, update

from shell import shell
from votewise import audit, collect_status, filter_clicks, read_votes
from votewise.collect.asking import ComparisonRequest, GivenAnswer, create
from votewise.collect.database import reading, writing
from votewise.collect.folder import Collection
from votewise.collect.gathered_counts import url_of
from votewise.collect.schema import comparison, model, prompt, vote
from votewise.collect.states import CHOICES, Choice
from votewise.collect.voting import GivenVote, finalise_due, put_vote
from votewise.errors import VotewiseError

# ibis reads SQLite through pandas, with an option that is deprecated there.
pytestmark = pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")

Later = Callable[[float], None]


@pytest.fixture
def vote_on(collection: Collection, new_product: Callable[[], int]) -> Callable[..., str]:
    """Makes a comparison of given answers, ``new`` on the left, and votes on it."""
    mine = new_product()

    def make(key: str, user: str, choice: Choice, *, swapped: bool = False, **values: Any) -> str:
        sides = [GivenAnswer("new", f"Four. {key}"), GivenAnswer("old", f"Five. {key}")]
        left, right = reversed(sides) if swapped else sides
        asked = ComparisonRequest(key, user, f"Question {key}", left=left, right=right, **values)
        with writing(collection.engine) as connection:
            row, _ = create(connection, collection, mine, asked)
            put_vote(connection, collection, mine, row.id, GivenVote(choice, ms_visible=1500))
        return str(row.id)

    return make


def final(collection: Collection, later: Later) -> None:
    later(10)
    with writing(collection.engine) as connection:
        finalise_due(connection, collection.clock())


def test_every_choice_is_read_as_it_was_meant(
    collection: Collection, vote_on: Callable[..., str], later: Later
) -> None:
    system = {"system": "Be kind.", "history": ({"role": "user", "content": "Hello."},)}
    for number, choice in enumerate((*CHOICES, *CHOICES)):
        swapped = number >= len(CHOICES)
        vote_on(f"k{number}", f"u{number % 2}", choice, swapped=swapped, **(system if swapped else {}))
    final(collection, later)
    votes = read_votes(url_of(collection, "votes"))
    rows = votes.table.to_pylist()
    assert Counter((row["label"], row["model_a"]) for row in rows) == {
        (label, model): 1 for label in ("a", "b", "tie", "both_bad") for model in ("new", "old")
    }
    assert {row["ms_visible"] for row in rows} == {1500}
    assert {row["system"] for row in rows} == {None, "Be kind."}
    assert (votes.reading.kept, votes.reading.ties, votes.reading.both_bad) == (8, 4, 2)
    assert len(votes.annotator_ids) == 2


def test_views_without_rows_or_times_can_be_read(
    collection: Collection, vote_on: Callable[..., str], later: Later
) -> None:
    with pytest.raises(VotewiseError) as error:
        audit(url_of(collection, "votes"))
    assert "infer" not in str(error.value)
    vote_on("k", "u", "left")
    with writing(collection.engine) as connection:
        connection.execute(update(vote).values(ms_visible=None))
    final(collection, later)
    assert read_votes(url_of(collection, "votes")).table["label"].to_pylist() == ["a"]


def test_a_vote_is_read_when_it_cannot_be_undone(collection: Collection, vote_on: Callable[..., str]) -> None:
    name = vote_on("k", "u", "left")
    with reading(collection.engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM votes")).scalar() == 0
    with writing(collection.engine) as connection:
        connection.execute(update(comparison).where(comparison.c.id == name).values(voted_at=1.7e9))
    for view in ("votes", "comparisons"):
        with reading(collection.engine) as connection:
            assert connection.execute(text(f"SELECT comparison FROM {view}")).scalars().all() == [name]
    with writing(collection.engine) as connection:
        connection.execute(update(prompt).values(content=None))
        assert connection.execute(text("SELECT count(*) FROM votes")).scalar() == 0


def test_audit_and_filter_read_the_database(collection: Collection, vote_on: Callable[..., str], later: Later) -> None:
    """Ten users of 12 comparisons; half click for ``new`` wherever it stands, half at random."""
    dice = random.Random(3)
    for user in range(10):
        for number in range(12):
            swapped = dice.random() < 0.5
            choice: Choice = dice.choice(("left", "right")) if user % 2 else "right" if swapped else "left"
            vote_on(f"{user}-{number}", f"u{user}", choice, swapped=swapped)
    final(collection, later)
    found = filter_clicks(url_of(collection, "comparisons"), win_rate=0.9, model="new")
    assert (found.counts.n_users, found.summary["kept"]["rows"] > 40) == (10, True)
    audited = audit(url_of(collection, "votes"), force=True, fit_tests=False)
    assert audited.votes.reading.kept == 120
    assert len(audited.reliability.annotators) == 10


def test_status_says_what_there_is_and_how_attentive_people_are(
    collection: Collection, vote_on: Callable[..., str], later: Later
) -> None:
    """Six users of 30 clicks each. Three always choose ``new``, three every second time; nothing is drawn."""
    for user in range(6):
        for number in range(30):
            careless = user < 3 and number % 2 == 0
            vote_on(f"{user}-{number}", f"u{user}", "right" if careless else "left")
    vote_on("skip", "u0", "skip")
    assert collect_status(collection.folder).gathered.states == {"voted": 180, "skipped": 1}
    final(collection, later)
    found = collect_status(collection.folder, win_rate=0.95)
    gathered = found.gathered
    assert (gathered.votes, gathered.people, gathered.probes, gathered.shared_pairs) == (180, 6, 0, 0)
    assert gathered.labels == {"a": 135, "b": 45}
    assert gathered.cost is None
    assert sum(found.flags.values()) == 6
    assert found.attentiveness is not None
    assert 0.3 < found.attentiveness < 0.7
    assert found.summary()["votes"] == 180
    assert collect_status(collection.folder).unknown == "no win rate of the two models is given"
    assert "click alike" in str(collect_status(collection.folder, win_rate=0.5).unknown)
    shown = shell("collect", "status", collection.folder, "--win-rate", "0.95")
    assert shown.code == 0
    assert len(shown.out.splitlines()) <= 10
    assert "180 votes that cannot be undone: 135 a, 45 b" in shown.out
    assert json.loads(shell("collect", "status", collection.folder, "--json").out)["gathered"]["people"] == 6


def test_status_with_a_probe_and_prices(
    collection: Collection, vote_on: Callable[..., str], new_product: Callable[[], int], later: Later
) -> None:
    for number in range(40):
        vote_on(f"k{number}", f"u{number % 4}", "right" if number % 8 == 0 else "left")
    mine = new_product()
    weak, strong = GivenAnswer("small", "Six.", 500_000, 100_000), GivenAnswer("new", "Four.", 0, 0)
    for number in range(12):
        asked = ComparisonRequest(f"p{number}", f"u{number % 4}", f"Probe {number % 6}", left=weak, right=strong)
        with writing(collection.engine) as connection:
            row, _ = create(connection, collection, mine, asked)
            put_vote(connection, collection, mine, row.id, GivenVote("right"))
    with writing(collection.engine) as connection:
        connection.execute(update(model).where(model.c.name == "small").values(price_in=2.0, price_out=10.0))
    final(collection, later)
    found = collect_status(collection.folder, win_rate=0.9)
    assert (found.gathered.probes, found.gathered.shared_pairs) == (12, 6)
    assert found.gathered.cost == pytest.approx(6 * (0.5 * 2 + 0.1 * 10))  # six pairs, whose answers are stored once
    assert found.attentiveness is not None
