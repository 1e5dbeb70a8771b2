"""Votes: none is lost, doubled or given to somebody else, whatever is done in whatever order; the log keeps every act."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, func, select, text, update
from sqlalchemy.exc import DatabaseError

from votewise.collect.asking import ComparisonRequest, GivenAnswer, create, put_answer
from votewise.collect.database import reading, retried, writing
from votewise.collect.folder import Collection
from votewise.collect.moves import NoSuchComparisonError, OutOfOrderError, expire_due
from votewise.collect.schema import answer, comparison, identity, model, pair, person, vote, vote_log
from votewise.collect.states import CHOICES, MOVES, Choice
from votewise.collect.voting import GivenVote, finalise_due, mark_shown, put_vote, undo_vote, void

LEFT, RIGHT = GivenAnswer("new", "Four."), GivenAnswer("old", "Five.")


def request(key: str = "k", user: str = "u", **values: Any) -> ComparisonRequest:
    given = {"left": LEFT, "right": RIGHT} | values
    return ComparisonRequest(client_key=key, user=user, content="2 + 2?", **given)


def made(collection: Collection, product: int, asked: ComparisonRequest, seed: int | None = None) -> Any:
    dice = random.Random(seed) if seed is not None else random.SystemRandom()
    return retried(collection.engine, lambda connection: create(connection, collection, product, asked, dice=dice)[0])


def voted(collection: Collection, product: int, name: str, choice: Choice, **values: Any) -> str:
    with writing(collection.engine) as connection:
        return put_vote(connection, collection, product, name, GivenVote(choice, **values))


def state(collection: Collection, name: str) -> str:
    with reading(collection.engine) as connection:
        return str(connection.execute(select(comparison.c.state).where(comparison.c.id == name)).scalar_one())


def rows(collection: Collection, table: Any) -> list[Any]:
    with reading(collection.engine) as connection:
        return list(connection.execute(select(table).order_by(*table.primary_key)))


Later = Callable[[float], None]
NewProduct = Callable[[], int]


def test_a_vote_becomes_final_after_ten_seconds(collection: Collection, new_product: NewProduct, later: Later) -> None:
    mine = new_product()
    name = made(collection, mine, request()).id
    assert voted(collection, mine, name, "left", ms_visible=900, reasons=("shorter",), strength=2) == "voted"
    with writing(collection.engine) as connection:
        assert finalise_due(connection, collection.clock()) == 0
    later(10)
    with writing(collection.engine) as connection:
        assert finalise_due(connection, collection.clock()) == 1
        with pytest.raises(OutOfOrderError, match="the vote is final"):
            undo_vote(connection, collection, mine, name)
    with pytest.raises(OutOfOrderError, match="another vote on this comparison is final"):
        voted(collection, mine, name, "right")
    assert voted(collection, mine, name, "left", ms_visible=900, reasons=("shorter",), strength=2) == "final"
    (there,) = rows(collection, vote)
    assert (there.choice, there.ms_visible, there.reasons, there.strength) == ("left", 900, '["shorter"]', 2)
    assert [entry.act for entry in rows(collection, vote_log)] == ["vote", "final"]


def test_ten_seconds_are_over_even_if_nobody_made_the_vote_final(
    collection: Collection, new_product: NewProduct, later: Later
) -> None:
    mine = new_product()
    name = made(collection, mine, request()).id
    voted(collection, mine, name, "skip")
    later(9.9)
    with writing(collection.engine) as connection:
        undo_vote(connection, collection, mine, name)
    assert state(collection, name) == "shown"
    voted(collection, mine, name, "both_bad")
    later(10)
    with pytest.raises(OutOfOrderError, match="final"), writing(collection.engine) as connection:
        undo_vote(connection, collection, mine, name)


def test_a_second_choice_revises_the_first(collection: Collection, new_product: NewProduct) -> None:
    mine = new_product()
    name = made(collection, mine, request()).id
    assert voted(collection, mine, name, "left") == "voted"
    assert voted(collection, mine, name, "skip") == "skipped"
    assert voted(collection, mine, name, "tie") == "voted"
    acts = [(entry.act, entry.choice, entry.revision) for entry in rows(collection, vote_log)]
    assert acts == [
        ("vote", "left", 1),
        ("undo", "left", 1),
        ("vote", "skip", 2),
        ("undo", "skip", 2),
        ("vote", "tie", 3),
    ]
    (there,) = rows(collection, vote)
    assert (there.choice, there.revision) == ("tie", 3)


def test_the_same_key_gives_the_same_comparison(collection: Collection, new_product: NewProduct) -> None:
    mine, yours = new_product(), new_product()
    first = made(collection, mine, request())
    assert made(collection, mine, request()).id == first.id
    assert made(collection, yours, request()).id != first.id
    with pytest.raises(OutOfOrderError, match="client_key belongs to another comparison"):
        made(collection, mine, request(user="somebody else"))
    assert len(rows(collection, comparison)) == 2
    assert len(rows(collection, person)) == 2  # a product's people are its own


def test_a_product_reaches_its_own_comparisons_only(collection: Collection, new_product: NewProduct) -> None:
    mine, yours = new_product(), new_product()
    name = made(collection, mine, request()).id
    for act in (
        lambda c: put_vote(c, collection, yours, name, GivenVote("left")),
        lambda c: undo_vote(c, collection, yours, name),
        lambda c: void(c, collection, yours, name),
        lambda c: mark_shown(c, yours, name),
        lambda c: put_answer(c, collection, yours, name, "left", LEFT),
        lambda c: put_vote(c, collection, mine, "nothing", GivenVote("left")),
    ):
        with pytest.raises(NoSuchComparisonError), writing(collection.engine) as connection:
            act(connection)
    assert state(collection, name) == "ready"


def test_the_same_texts_are_one_pair_and_a_person_sees_it_on_the_same_sides(
    collection: Collection, new_product: NewProduct
) -> None:
    mine = new_product()
    several = [made(collection, mine, request(f"k{n}", f"u{n % 8}", draw_sides=True), seed=n) for n in range(24)]
    assert len({row.pair_id for row in several}) == len(rows(collection, pair)) == 1
    sides = {row.person_id: row.left_answer for row in several}
    assert all(sides[row.person_id] == row.left_answer for row in several)
    assert len(set(sides.values())) == 2  # a false alarm would need 8 equal coins; the seeds are fixed
    given = made(collection, mine, request("given", left=RIGHT, right=LEFT))
    names = {row.id: row.content for row in rows(collection, answer)}
    assert (names[given.left_answer], names[given.right_answer]) == ("Five.", "Four.")
    assert given.pair_id == several[0].pair_id


def test_other_texts_or_models_are_another_pair(collection: Collection, new_product: NewProduct) -> None:
    mine = new_product()
    others: list[dict[str, Any]] = [
        {},
        {"system": "Be kind."},
        {"history": ({"role": "user", "content": "Hello."},)},
        {"left": GivenAnswer("new", "Four!")},
        {"left": GivenAnswer("old", "Four."), "right": GivenAnswer("new", "Five.")},
    ]
    found = [made(collection, mine, request(f"k{n}", **values)) for n, values in enumerate(others)]
    assert len({row.pair_id for row in found}) == len(others)


def test_models_are_drawn_with_the_share_of_probes(collection: Collection, new_product: NewProduct) -> None:
    """100 draws at .15: outside of 3 to 30 probes with a probability below 2e-4; the seed is fixed."""
    mine, dice = new_product(), random.Random(1)
    with writing(collection.engine) as connection:
        drawn = [
            create(connection, collection, mine, request(f"k{n}", left=None, right=None), dice=dice)[0]
            for n in range(100)
        ]
        names = dict(connection.execute(select(answer.c.id, model.c.name).join(model)).all())
    kinds = Counter((row.purpose, *sorted((names[row.left_answer], names[row.right_answer]))) for row in drawn)
    assert set(kinds) == {("main", "new", "old"), ("probe", "new", "small"), ("probe", "old", "small")}
    assert 3 <= kinds["probe", "new", "small"] + kinds["probe", "old", "small"] <= 30
    assert {row.purpose: row.propensity for row in drawn} == {"main": 0.85, "probe": 0.075}
    on_the_left = sum(names[row.left_answer] == "new" for row in drawn if row.purpose == "main")
    assert 22 <= on_the_left <= 63


def drawn(collection: Collection, mine: int) -> tuple[str, GivenAnswer, GivenAnswer]:
    """A comparison of drawn models, and what they answer."""
    row = made(collection, mine, request(left=None, right=None), seed=1)
    with reading(collection.engine) as connection:
        names = dict(connection.execute(select(answer.c.id, model.c.name).join(model)).all())
    return row.id, GivenAnswer(names[row.left_answer], "Four."), GivenAnswer(names[row.right_answer], "Five.")


def test_answers_come_one_by_one(collection: Collection, new_product: NewProduct) -> None:
    mine = new_product()
    name, left, right = drawn(collection, mine)
    with pytest.raises(OutOfOrderError, match="that is created cannot become voted"):
        voted(collection, mine, name, "left")
    with writing(collection.engine) as connection:
        put_answer(connection, collection, mine, name, "left", left)
        put_answer(connection, collection, mine, name, "left", left)
        with pytest.raises(OutOfOrderError, match="the left answer is there already"):
            put_answer(connection, collection, mine, name, "left", GivenAnswer(left.model, "Six."))
        with pytest.raises(OutOfOrderError, match="the right answer is another model's"):
            put_answer(connection, collection, mine, name, "right", GivenAnswer(left.model, "Six."))
    assert state(collection, name) == "answering"
    with writing(collection.engine) as connection:
        put_answer(connection, collection, mine, name, "right", right)
    assert state(collection, name) == "ready"
    assert voted(collection, mine, name, "right") == "voted"


@pytest.mark.parametrize(("failed", "end"), [(("left",), "one_sided"), (("left", "right"), "failed")])
def test_a_model_that_fails_ends_the_comparison(
    collection: Collection, new_product: NewProduct, failed: tuple[str, ...], end: str
) -> None:
    mine = new_product()
    name, left, right = drawn(collection, mine)
    with writing(collection.engine) as connection:
        put_answer(connection, collection, mine, name, "left", None if "left" in failed else left)
        put_answer(connection, collection, mine, name, "right", None if "right" in failed else right)
    assert state(collection, name) == end
    with pytest.raises(OutOfOrderError, match=f"that is {end} cannot become voted"):
        voted(collection, mine, name, "left")


def test_a_comparison_without_a_vote_expires(collection: Collection, new_product: NewProduct, later: Later) -> None:
    mine = new_product()
    late, in_time = (made(collection, mine, request(f"k{n}")).id for n in range(2))
    voted(collection, mine, in_time, "left")
    later(collection.settings.lease_seconds + 1)
    with writing(collection.engine) as connection:
        assert expire_due(connection, collection.clock()) == 1
    assert (state(collection, late), state(collection, in_time)) == ("expired", "voted")
    with pytest.raises(OutOfOrderError, match="that is expired cannot become voted"):
        voted(collection, mine, late, "left")


@pytest.mark.parametrize("change", [delete(vote_log), update(vote_log).values(choice="tie")])
def test_the_log_of_votes_only_grows(collection: Collection, new_product: NewProduct, change: Any) -> None:
    mine = new_product()
    voted(collection, mine, made(collection, mine, request()).id, "left")
    before = rows(collection, vote_log)
    with pytest.raises(DatabaseError, match="append only"), writing(collection.engine) as connection:
        connection.execute(change)
    assert rows(collection, vote_log) == before


def test_one_vote_counts_of_many_at_once(collection: Collection, new_product: NewProduct) -> None:
    mine = new_product()
    name = made(collection, mine, request()).id
    ended: list[str] = []

    def vote_for(choice: Choice) -> None:
        ended.append(voted(collection, mine, name, choice))

    threads = [threading.Thread(target=vote_for, args=(CHOICES[n % 2],)) for n in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(ended) == 8
    (there,) = rows(collection, vote)
    log = rows(collection, vote_log)
    assert (log[-1].act, log[-1].choice) == ("vote", there.choice)
    assert Counter(entry.act for entry in log)["vote"] - Counter(entry.act for entry in log)["undo"] == 1


def test_one_comparison_is_made_of_many_requests_at_once(collection: Collection, new_product: NewProduct) -> None:
    mine, names = new_product(), []
    threads = [
        threading.Thread(target=lambda n=n: names.append(made(collection, mine, request("k", f"u{n // 9}")).id))
        for n in range(8)
    ]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(names) == 8
    assert len(set(names)) == len(rows(collection, comparison)) == len(rows(collection, person)) == 1


ACTS = st.lists(
    st.tuples(
        st.sampled_from(("create", "vote", "vote", "undo", "void", "shown", "answer", "fail", "wait", "sweep")),
        st.integers(0, 3),
        st.sampled_from(CHOICES),
        st.floats(0, 12),
    ),
    min_size=5,
    max_size=25,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_no_vote_is_lost_doubled_or_given_to_somebody_else(
    collection: Collection, new_product: NewProduct, later: Later, acts: list[tuple[str, int, Choice, float]]
) -> None:
    """Any acts on four comparisons of two people. A plain dictionary says which votes count; refused acts change nothing."""
    mine = new_product()
    users = ("ann", "bob", "ann", "bob")
    names: dict[int, str] = {}
    counts: dict[str, tuple[str, float]] = {}
    for act, number, choice, seconds in acts:
        if act == "create":
            answers = {} if number < 2 else {"left": None, "right": None}
            names[number] = made(collection, mine, request(f"k{number}", users[number], **answers), seed=number).id
        if act == "wait":
            later(seconds)
        if number not in names:
            continue
        name, before = names[number], state(collection, names[number])
        undone = before in ("voted", "skipped") and collection.clock() - counts[name][1] < 10
        same = name in counts and counts[name][0] == choice
        try:
            with writing(collection.engine) as connection:
                if act == "vote":
                    put_vote(connection, collection, mine, name, GivenVote(choice))
                    assert before in ("ready", "shown") or undone or same
                    if not same:
                        counts[name] = (choice, collection.clock())
                elif act == "undo":
                    undo_vote(connection, collection, mine, name)
                    assert undone or name not in counts
                    counts.pop(name, None)
                elif act == "void":
                    void(connection, collection, mine, name)
                    counts.pop(name, None)
                elif act == "shown":
                    mark_shown(connection, mine, name)
                elif act in ("answer", "fail"):
                    side = "left" if choice in ("left", "tie") else "right"
                    row = connection.execute(select(comparison).where(comparison.c.id == name)).one()
                    ours = row.left_answer if side == "left" else row.right_answer
                    whose = select(model.c.name).join(answer).where(answer.c.id == ours)
                    asked = connection.execute(whose).scalar_one()
                    given_answer = GivenAnswer(asked, side) if act == "answer" else None
                    put_answer(connection, collection, mine, name, side, given_answer)
                elif act == "sweep":
                    finalise_due(connection, collection.clock())
        except OutOfOrderError:
            assert state(collection, name) == before
        with reading(collection.engine) as connection:
            after = connection.execute(select(comparison.c.state).where(comparison.c.id == name)).scalar_one()
            there = connection.execute(
                select(vote.c.comparison_id, vote.c.choice, identity.c.name)
                .join(comparison)
                .join(identity, identity.c.person_id == comparison.c.person_id)
                .where(comparison.c.product_id == mine)
            ).all()
            log = connection.execute(
                select(vote_log.c.comparison_id, vote_log.c.act).join(comparison).where(comparison.c.product_id == mine)
            ).all()
        assert after == before or after in MOVES[before] or (before, after) in JUMPS
        assert {row.comparison_id: row.choice for row in there} == {name: said for name, (said, _) in counts.items()}
        assert all(row.name == users[next(n for n, c in names.items() if c == row.comparison_id)] for row in there)
        for name in names.values():
            acted = Counter(row.act for row in log if row.comparison_id == name)
            assert acted["vote"] - acted["undo"] - acted["void"] == (name in counts)
            assert acted["final"] <= 1


JUMPS = {
    *(("created", state) for state in ("ready", "one_sided", "failed")),
    *(("ready", state) for state in ("voted", "skipped")),
    *(("voted", state) for state in ("skipped",)),
    *(("skipped", state) for state in ("voted",)),
}
"""Two moves in one act: a vote on what was not said to be shown, a revised vote."""


def test_a_vote_that_is_refused_leaves_nothing(collection: Collection, new_product: NewProduct) -> None:
    mine = new_product()
    name = made(collection, mine, request()).id

    def fail_afterwards(connection: Connection) -> None:
        put_vote(connection, collection, mine, name, GivenVote("left"))
        connection.execute(text("SELECT * FROM nowhere"))

    with pytest.raises(DatabaseError):
        retried(collection.engine, fail_afterwards)
    assert state(collection, name) == "ready"
    with reading(collection.engine) as connection:
        assert connection.execute(select(func.count()).select_from(vote_log)).scalar() == 0
