"""The database gives out pairs, finishes and audits them by the rules of ``assignment``, from its own votes."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from campaign_people import Person, invited, link_of, put_pairs
from fastapi import FastAPI
from fastapi.testclient import TestClient
from scipy.special import expit, logit
from sqlalchemy import insert, select, update

from shell import shell
from votewise import collect_status, read_votes
from votewise.collect.assignment import AssignmentRule, PairQueue, choose_pair
from votewise.collect.campaign_status import count_campaign
from votewise.collect.database import reading, writing
from votewise.collect.folder import Collection
from votewise.collect.gathered_counts import url_of
from votewise.collect.leases import choice_of_pair, count_pairs
from votewise.collect.pair_beliefs import PairBeliefs
from votewise.collect.schema import annotator, answer, campaign, campaign_pair, comparison, vote
from votewise.collect.service import make_service, sweep
from votewise.collect.upkeep import Upkeep
from votewise.inference.observation import clipped_logit

Later = Callable[[float], None]


def rows(collection: Collection, table: Any) -> list[Any]:
    with reading(collection.engine) as connection:
        return list(connection.execute(select(table).order_by(*table.primary_key)))


def with_rule(collection: Collection, **values: Any) -> Collection:
    """The same collection under another rule."""
    settings = collection.settings
    own = replace(settings.campaign, rule=replace(settings.campaign.rule, **values))
    return replace(collection, settings=replace(settings, campaign=own))


@pytest.mark.parametrize("fixed", [False, True])
def test_the_query_chooses_as_the_rule_does(collection: Collection, fixed: bool) -> None:
    put_pairs(collection, 30, want=6)
    rule = AssignmentRule(want=6, fixed=fixed)
    rng = np.random.default_rng(5)
    person = invited(collection, make_service(collection), "ann")
    number = rows(collection, annotator)[0].person_id
    person.shown()  # one pair that she has had
    seen = np.array([row.pair_id for row in rows(collection, comparison)]) - 1
    chosen = set()
    for _ in range(40):
        queue = PairQueue(
            log_odds=rng.integers(-4, 5, 30) * 0.75,
            votes=rng.integers(0, 7, 30),
            leases=rng.integers(0, 2, 30),
            audit=np.zeros(30, bool),
            order=rng.permutation(30) / 30,
        )
        states = np.where(queue.votes >= 6, "contested", "open")
        if not fixed:
            states = np.where(np.abs(queue.log_odds) >= np.log(19), "sure", states)
        with writing(collection.engine) as connection:
            for at in range(30):
                values = {
                    "log_odds": float(queue.log_odds[at]),
                    "votes": int(queue.votes[at]),
                    "leases": int(queue.leases[at]),
                    "turn": float(queue.order[at]),
                    "state": str(states[at]),
                }
                connection.execute(update(campaign_pair).where(campaign_pair.c.pair_id == at + 1).values(**values))
            found = connection.execute(choice_of_pair(rule, number, 0.75)).scalar()
        wanted = choose_pair(rule, queue, seen, 0.75, auditor=False)
        assert (None if wanted is None else wanted.pair + 1) == found
        chosen.add(found)
    assert len(chosen) > 5


def judge(collection: Collection, people: list[Person], right: list[float], later: Later, seed: int) -> None:
    """Let people vote until nobody gets a pair; each is right as often as said."""
    dice = random.Random(seed)
    keep = Upkeep(collection, np.random.default_rng(seed))
    idle = 0
    while idle < 3:
        idle += 1
        for person, probability in zip(people, right, strict=True):
            if person.shown() is not None:
                idle = 0
                status, said = person.choose("good" if dice.random() < probability else "poor")
                assert status == 200, said
            later(1)
        later(11)
        sweep(collection)
        keep()
        if idle:
            later(400)


@pytest.mark.slow
def test_an_adaptive_campaign_from_invitations_to_its_accuracy(collection: Collection, later: Later) -> None:
    """25 pairs by four people who are right in .95 and one who guesses. The seeds and the order of pairs are fixed."""
    put_pairs(collection, 25, want=4)
    with writing(collection.engine) as connection:
        connection.execute(update(campaign_pair).values(turn=campaign_pair.c.pair_id / 26))
    collection = with_rule(collection, want=4, audits=0.2)
    app = make_service(collection)
    people = [invited(collection, app, name) for name in ("ann", "bob", "cem", "dua", "guess")]
    judge(collection, people, [0.95] * 4 + [0.5], later, seed=3)
    pairs = rows(collection, campaign_pair)
    assert all(row.votes <= 4 and row.leases == 0 for row in pairs)
    assert {row.state for row in pairs} <= {"sure", "contested"}
    assert sum(row.votes for row in pairs) < 25 * 4, "the stop rule saves votes"
    assert all(0 < row.propensity <= 1 for row in pairs), "all were finished once"
    with reading(collection.engine) as connection:
        audits = connection.execute(select(comparison.c.pair_id).where(comparison.c.purpose == "audit")).scalars().all()
        counts = count_campaign(connection)
    assert set(audits) == {row.pair_id for row in pairs if row.drawn and not row.waiting}
    assert len(audits) >= 3
    assert counts is not None
    assert counts.accuracy is not None
    assert counts.votes == sum(row.votes for row in pairs)
    assert counts.claimed == pytest.approx(np.mean(expit([abs(row.log_odds) for row in pairs])))
    by_name = {row.person_id: row for row in rows(collection, annotator)}
    reliability = [by_name[number].reliability for number in sorted(by_name)]
    assert min(reliability[:4]) > reliability[4], "the one who guesses is known"


@pytest.mark.slow
def test_fixed_redundancy_gives_every_pair_its_votes(collection: Collection, later: Later) -> None:
    put_pairs(collection, 6, want=3)
    collection = with_rule(collection, want=3, fixed=True, weighted=False, retire_below=0.0, audits=0.0)
    app = make_service(collection)
    people = [invited(collection, app, f"w{n}") for n in range(4)]
    judge(collection, people, [1.0] * 4, later, seed=4)
    assert [(row.state, row.votes) for row in rows(collection, campaign_pair)] == [("closed", 3)] * 6


def test_a_refit_writes_what_the_estimator_says(collection: Collection, later: Later) -> None:
    put_pairs(collection, 4, want=9)
    collection = with_rule(collection, want=9, weighted=False, sure=0.999)
    app = make_service(collection)
    people = [invited(collection, app, f"w{n}") for n in range(3)]
    for person in people[:2]:
        for _ in range(4):
            person.choose("good")
    keep = Upkeep(collection)
    keep()
    before = rows(collection, campaign)[0]
    assert (before.fitted_votes, before.fitted_at) == (8, collection.clock())
    arrays = (
        np.array([0, 1, 2, 3] * 2, np.int32),
        np.array([0] * 4 + [1] * 4, np.int32),
        np.ones(8, np.int8),
    )
    wanted = PairBeliefs.before_votes(np.zeros(4), 3).refitted(*arrays)
    found = rows(collection, annotator)
    assert [row.reliability for row in found] == pytest.approx(wanted.reliability.tolist(), abs=1e-6)
    assert [row.high for row in found] == pytest.approx(wanted.high.tolist(), abs=1e-6)
    assert [row.log_odds for row in rows(collection, campaign_pair)] == pytest.approx(
        wanted.log_odds.tolist(), abs=1e-6
    )
    # Between refits a vote adds its evidence to the same beliefs.
    with writing(collection.engine) as connection:
        count_pairs(connection, collection.settings.campaign.rule, range(1, 5))
    assert [row.log_odds for row in rows(collection, campaign_pair)] == pytest.approx(
        wanted.log_odds.tolist(), abs=1e-3
    )
    people[2].choose("good")
    keep()
    assert rows(collection, campaign)[0].fitted_votes == 8, "one vote more waits for ten seconds"
    later(10)
    keep()
    assert rows(collection, campaign)[0].fitted_votes == 9


def test_votes_of_a_group_count_as_the_refit_with_groups_says(collection: Collection) -> None:
    """Four of a family err together on every other pair; three others do not."""
    put_pairs(collection, 12, want=9)
    collection = with_rule(collection, want=9, weighted=False, sure=0.999)
    app = make_service(collection)
    names = [f"m{n}" for n in range(4)] + [f"w{n}" for n in range(3)]
    people = [invited(collection, app, name) for name in names]
    for name in names[:4]:
        link_of(collection, name, group="family")
    for k, person in enumerate(people):
        for _ in range(12):
            text = person.look()
            wrong = any(f"good {n}<" in text or f"good {n} " in text for n in (1, 3, 5, 7, 9, 11))
            person.choose("poor" if wrong and k < 4 else "good")
    Upkeep(collection).refit()
    found = {row.person_id: row for row in rows(collection, annotator)}
    assert [row.shared > 0.3 for row in found.values()] == [True] * 4 + [False] * 3
    fitted = [row.log_odds for row in rows(collection, campaign_pair)]
    alone = sum(clipped_logit(np.array([row.reliability]))[0] for row in found.values())
    assert max(fitted) < alone - 0.5
    with writing(collection.engine) as connection:
        count_pairs(connection, collection.settings.campaign.rule, range(1, 13))
    assert [row.log_odds for row in rows(collection, campaign_pair)] == pytest.approx(fitted, abs=0.05)


def test_the_hopeless_get_no_more_pairs(collection: Collection) -> None:
    put_pairs(collection, 3)
    ann = invited(collection, make_service(collection), "ann")
    with writing(collection.engine) as connection:
        connection.execute(update(annotator).values(reliability=0.5, low=0.45, high=0.55, active=False))
    assert ann.shown() is None
    with reading(collection.engine) as connection:
        counts = count_campaign(connection)
    assert counts is not None
    assert counts.retired == 1
    assert "of whom 1 get no more pairs" in shell("collect", "status", str(collection.folder)).out


def test_everybody_can_begin_and_nobody_waits_for_who_is_gone(collection: Collection, later: Later) -> None:
    put_pairs(collection, 40, want=1)
    app: FastAPI = make_service(collection)
    ann, bob, _ = (invited(collection, app, name) for name in ("ann", "bob", "cem"))
    bob.shown()
    judged = 0
    while ann.shown() is not None:
        ann.vote(ann.shown(), "tie")
        judged += 1
    assert 10 < judged < 39, "ahead of the share by ten, while bob is there"
    later(301)
    assert ann.shown() is not None, "bob is gone"


def audit(collection: Collection, agrees: bool) -> None:
    """An audit vote of bob on the one pair, as the page would put it."""
    pairs = rows(collection, campaign_pair)
    here = rows(collection, comparison)[0]
    number = rows(collection, annotator)[1].person_id
    with writing(collection.engine) as connection:
        values = dict(here._mapping) | {"id": "a" * 36, "client_key": "k", "person_id": number, "purpose": "audit"}
        connection.execute(insert(comparison).values(**values | {"propensity": 0.5, "state": "final"}))
        connection.execute(update(campaign_pair).values(propensity=0.5, drawn=True, log_odds=3.0, state="sure"))
        first_left = here.left_answer < here.right_answer
        choice = "left" if first_left == agrees else "right"
        connection.execute(insert(vote).values(comparison_id="a" * 36, choice=choice, revision=1, at=0.0))
    assert len(pairs) == 1


@pytest.mark.parametrize("agrees", [True, False])
def test_status_prints_the_accuracy_beside_the_claim(collection: Collection, agrees: bool) -> None:
    put_pairs(collection, 1)
    app = make_service(collection)
    ann = invited(collection, app, "ann")
    invited(collection, app, "bob")
    ann.choose("good")
    shown = shell("collect", "status", str(collection.folder)).out
    assert "Campaign open; pairs: 1 open; 1 vote for their labels\n2 annotators\n" in shown
    assert "posteriors claim" not in shown
    audit(collection, agrees)
    found = collect_status(collection.folder).campaign
    assert found is not None
    assert found.accuracy is not None
    # One audit vote agrees or not, by somebody of the reliability that everybody begins with.
    rho = 2 * rows(collection, annotator)[1].reliability - 1
    assert found.accuracy.right == pytest.approx((1 + (1 if agrees else -1) / rho) / 2)
    shown = shell("collect", "status", str(collection.folder)).out
    assert f"posteriors claim 95.3%, audit votes say {min(max(found.accuracy.right, 0), 1):.1%} (" in shown
    assert len(shown.splitlines()) <= 10
    assert '"audits": 1' in shell("collect", "status", str(collection.folder), "--json").out


@pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")
def test_other_commands_read_the_votes_of_a_campaign(collection: Collection, later: Later) -> None:
    put_pairs(collection, 4, want=4)
    app = make_service(collection)
    for name in ("ann", "bob", "cem"):
        person = invited(collection, app, name)
        for _ in range(3):
            person.choose("good")
    with writing(collection.engine) as connection:
        connection.execute(update(answer).values(model_id=None))
    later(10)
    sweep(collection)
    found = read_votes(url_of(collection, "votes"))
    assert len(found.sign) == 9
    assert set(found.sign.tolist()) <= {-1, 1}
    status = collect_status(collection.folder, win_rate=0.8)
    assert status.attentiveness is None
    assert "other models" in str(status.unknown)


def test_a_vote_during_a_refit_is_not_forgotten(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    put_pairs(collection, 1, want=9)
    collection = with_rule(collection, want=9, sure=0.999)
    app = make_service(collection)
    ann, bob = invited(collection, app, "ann"), invited(collection, app, "bob")
    ann.choose("good")
    refitted = PairBeliefs.refitted

    def meanwhile(beliefs: PairBeliefs, *arrays: Any) -> PairBeliefs:
        bob.choose("good")
        return refitted(beliefs, *arrays)

    monkeypatch.setattr(PairBeliefs, "refitted", meanwhile)
    Upkeep(collection).refit()
    (pair,) = rows(collection, campaign_pair)
    step = [float(logit(row.reliability)) for row in rows(collection, annotator)]
    assert (pair.votes, abs(pair.log_odds)) == (2, pytest.approx(sum(step)))


def test_what_goes_wrong_with_beliefs_holds_up_no_vote(
    collection: Collection, later: Later, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put_pairs(collection, 1)
    ann = invited(collection, make_service(collection), "ann")
    ann.choose("good")
    later(10)

    def broken(_: Upkeep) -> None:
        raise ValueError("no fit")

    monkeypatch.setattr(Upkeep, "__call__", broken)
    with TestClient(make_service(collection)):
        for _ in range(400):
            if "could not be kept" in caplog.text and rows(collection, comparison)[0].state == "final":
                break
            time.sleep(0.02)
    assert "no fit" in caplog.text
    assert rows(collection, comparison)[0].state == "final"
