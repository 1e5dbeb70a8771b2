"""The annotators' pages over HTTP: whatever is clicked in whatever order, no vote is lost and no pair gets too many."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from campaign_people import invited, put_pairs
from fastapi import FastAPI
from sqlalchemy import func, select

from votewise.collect.campaign_state import set_state
from votewise.collect.database import reading
from votewise.collect.folder import Collection
from votewise.collect.schema import annotator, campaign_pair, comparison, vote, vote_log
from votewise.collect.service import make_service, sweep
from votewise.collect.upkeep import Upkeep

Later = Callable[[float], None]


@pytest.fixture
def app(collection: Collection) -> FastAPI:
    return make_service(collection)


def rows(collection: Collection, table: Any) -> list[Any]:
    with reading(collection.engine) as connection:
        return list(connection.execute(select(table).order_by(*table.primary_key)))


def upkeep(collection: Collection) -> None:
    sweep(collection)
    Upkeep(collection)()


def test_a_pair_is_shown_until_it_is_judged(collection: Collection, app: FastAPI) -> None:
    put_pairs(collection, 2)
    ann = invited(collection, app, "ann")
    first = ann.shown()
    assert first is not None
    assert ann.shown() == first, "a reload, or a second tab"
    assert ann.vote(first, "right", strength=2, reasons=["clearer"], ms_visible=900) == (200, {"state": "voted"})
    second = ann.shown()
    assert second not in (None, first)
    page = ann.look()
    assert "<strong>1</strong> pair judged" in page
    assert f'id="undo" data-comparison="{first}"' in page
    ann.vote(second, "both_bad")
    assert ann.shown() is None
    assert ann.about() == "waiting"
    votes = {row.comparison_id: row for row in rows(collection, vote)}
    kept = votes[str(first)]
    assert (kept.choice, kept.strength, kept.reasons, kept.ms_visible) == ("right", 2, '["clearer"]', 900)
    assert {row.pair_id: row.votes for row in rows(collection, campaign_pair)} == {1: 1, 2: 1}


def test_what_is_sent_twice_counts_once(collection: Collection, app: FastAPI, later: Later) -> None:
    put_pairs(collection, 1)
    ann = invited(collection, app, "ann")
    name = ann.shown()
    assert ann.vote(name) == ann.vote(name) == (200, {"state": "voted"})
    assert len(rows(collection, vote)) == len(rows(collection, vote_log)) == 1
    later(10)
    sweep(collection)
    assert ann.vote(name) == (200, {"state": "final"}), "the same vote, late again"
    status, said = ann.vote(name, "right")
    assert (status, "is final" in said["error"]) == (409, True)
    assert ann.undo(name)[0] == 409
    assert [row.choice for row in rows(collection, vote)] == ["left"]


def test_two_tabs_judge_one_pair_once(collection: Collection, app: FastAPI) -> None:
    put_pairs(collection, 2)
    ann = invited(collection, app, "ann")
    tab, other_tab = ann.shown(), ann.shown()
    assert tab == other_tab
    ann.vote(tab, "left")
    assert ann.vote(other_tab, "tie") == (200, {"state": "voted"}), "within ten seconds it is a revision"
    assert [row.choice for row in rows(collection, vote)] == ["tie"]
    assert sum(row.votes for row in rows(collection, campaign_pair)) == 1


def test_undo_brings_the_same_pair_back_on_the_same_sides(collection: Collection, app: FastAPI, later: Later) -> None:
    put_pairs(collection, 3)
    ann = invited(collection, app, "ann")
    first = ann.shown()
    text = re.findall(r"(?:good|poor) \d", ann.look())
    ann.vote(first)
    second = ann.shown()
    later(9.5)
    assert ann.undo(first) == (200, {"state": "shown"})
    assert ann.undo(first) == (200, {"state": "shown"})
    assert ann.shown() == first
    assert re.findall(r"(?:good|poor) \d", ann.look()) == text
    ann.vote(first, "skip")
    assert ann.undo(first) == (200, {"state": "shown"}), "a skip, too"
    ann.vote(first, "right")
    assert ann.shown() == second, "the pair that was given meanwhile"
    assert [row.act for row in rows(collection, vote_log)] == ["vote", "undo", "vote", "undo", "vote"]


def test_a_pair_is_never_with_more_people_than_wanted(collection: Collection, app: FastAPI) -> None:
    put_pairs(collection, 1, want=2)
    people = [invited(collection, app, name) for name in ("ann", "bob", "cem")]
    names = [person.shown() for person in people]
    assert [name is None for name in names] == [False, False, True]
    assert people[2].about() == "waiting"
    people[0].vote(names[0], "skip")
    assert people[2].shown() is not None, "a skipped pair goes to others"
    assert people[0].shown() is None, "and not to the same person"
    pairs = rows(collection, campaign_pair)
    assert [(row.votes, row.leases) for row in pairs] == [(0, 2)]


def test_a_lease_runs_out_and_comes_back(collection: Collection, app: FastAPI, later: Later) -> None:
    put_pairs(collection, 1, want=1)
    ann, bob = invited(collection, app, "ann"), invited(collection, app, "bob")
    first = ann.shown()
    left = re.findall(r"(?:good|poor) \d", ann.look())
    assert bob.shown() is None
    later(collection.settings.campaign.lease_seconds + 1)
    held = bob.shown()
    assert held not in (None, first)
    status, said = ann.vote(first)
    assert (status, "expired" in said["error"]) == (409, True)
    assert ann.shown() is None, "bob has it"
    later(collection.settings.campaign.lease_seconds + 1)
    again = ann.shown()
    assert again not in (None, first, held)
    assert re.findall(r"(?:good|poor) \d", ann.look()) == left, "on the same sides"
    assert ann.vote(again)[0] == 200
    assert [row.given for row in rows(collection, annotator)] == [1, 0]
    assert sorted(row.state for row in rows(collection, comparison)) == ["expired", "expired", "voted"]


def test_a_vote_in_the_second_before_the_sweep_counts_once(collection: Collection, app: FastAPI, later: Later) -> None:
    put_pairs(collection, 1, want=1)
    ann, bob = invited(collection, app, "ann"), invited(collection, app, "bob")
    name = ann.shown()
    later(collection.settings.campaign.lease_seconds + 1)
    assert ann.vote(name) == (200, {"state": "voted"})
    assert bob.shown() is None
    upkeep(collection)
    assert [(row.votes, row.leases) for row in rows(collection, campaign_pair)] == [(1, 0)]


@pytest.mark.slow
def test_many_at_once_never_get_a_pair_too_often(collection: Collection, app: FastAPI) -> None:
    put_pairs(collection, 6, want=2)
    people = [invited(collection, app, f"w{n}") for n in range(8)]
    most: Counter[int] = Counter()

    def work(person: Any) -> None:
        for _ in range(12):
            name = person.shown()
            if name is not None:
                assert person.vote(name, "tie")[0] == 200

    threads = [threading.Thread(target=work, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(collection.engine) as connection:
        counted = select(comparison.c.pair_id, func.count()).where(comparison.c.purpose == "main")
        most.update(dict(row for row in connection.execute(counted.group_by(comparison.c.pair_id))))
    assert most == dict.fromkeys(range(1, 7), 2)
    assert [(row.votes, row.leases) for row in rows(collection, campaign_pair)] == [(2, 0)] * 6


def test_sides_are_drawn(collection: Collection, app: FastAPI) -> None:
    """40 draws, half of them each: outside of 8 to 32 with a probability of 1e-4; drawn by the system's dice."""
    put_pairs(collection, 40, want=1)
    ann = invited(collection, app, "ann")
    first_left = 0
    for _ in range(40):
        page = ann.look()
        first_left += page.index(">good ") < page.index(">poor ")
        ann.vote(ann.shown(), "tie")
    assert 8 <= first_left <= 32


def test_pause_resume_and_close(collection: Collection, app: FastAPI, later: Later) -> None:
    put_pairs(collection, 5)
    ann, bob = invited(collection, app, "ann"), invited(collection, app, "bob")
    held = ann.shown()
    set_state(collection, "paused")
    assert bob.about() == "paused"
    assert ann.shown() == held, "who has a pair may vote on it"
    assert ann.vote(held)[0] == 200
    assert ann.about() == "paused"
    set_state(collection, "open")
    assert bob.shown() is not None
    open_one = ann.shown()
    set_state(collection, "closed")
    assert ann.about() == bob.about() == "closed"
    assert ann.vote(open_one)[0] == 409
    assert ann.undo(held)[0] == 409
    later(10)
    upkeep(collection)
    assert sorted(row.state for row in rows(collection, comparison)) == ["expired", "expired", "final"]


def test_no_model_is_named_and_nothing_is_remembered(collection: Collection, app: FastAPI) -> None:
    put_pairs(collection, 1)
    ann = invited(collection, app, "ann")
    page = ann.look()
    assert "good 0" in page
    assert "strong-model" not in page
    assert "weak-model" not in page
    assert ann.client.get("/annotate").headers["cache-control"] == "no-store"


def test_what_does_not_fit_is_refused(collection: Collection, app: FastAPI) -> None:
    put_pairs(collection, 1)
    ann = invited(collection, app, "ann")
    name = ann.shown()
    for body in (
        {"choice": "neither"},
        {"choice": "left", "strength": 4},
        {"choice": "left", "reasons": ["of my own"]},
        {"choice": "left", "at": 3.0},
        {"choice": "left", "ms_visible": -1},
        {},
    ):
        assert ann.send("PUT", f"/annotate/comparisons/{name}/vote", body).status_code == 422, body
    assert rows(collection, vote) == []
