"""The world of facts and the votes on it are what they say."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from votewise.demo import facts as world
from votewise.demo.facts import (
    RANGES,
    RIGHT_SOURCE,
    WORDINGS,
    WRONG_SOURCE,
    held_out_questions,
    make_facts,
    simulate_fact_votes,
    write_corpus,
)
from votewise.errors import BadInputError


def test_the_seed_decides_everything() -> None:
    one, again, other = (make_facts(seed=seed) for seed in (1, 1, 2))
    assert (one.entities, one.right, one.wrong) == (again.entities, again.right, again.wrong)
    assert one.right != other.right
    assert write_corpus(one, texts=50, seed=3) == write_corpus(again, texts=50, seed=3)
    assert write_corpus(one, texts=50, seed=3) != write_corpus(one, texts=50, seed=4)
    first, second = (simulate_fact_votes(facts, votes=50, seed=5) for facts in (one, again))
    assert first.votes.texts.equals(second.votes.texts)
    np.testing.assert_array_equal(first.votes.sign, second.votes.sign)


def test_every_entity_has_two_answers_that_share_no_word() -> None:
    facts = make_facts()
    assert len(set(facts.entities)) == len(facts.right) == len(facts.wrong) == 400
    assert facts.voted.sum() == 200
    for right, wrong in zip(facts.right, facts.wrong, strict=True):
        (a, b), (c, d) = right.split(), wrong.split()
        assert a != c
        assert b != d


@pytest.mark.parametrize("entities", [1, 1001])
def test_a_world_without_names_for_all_is_refused(entities: int) -> None:
    with pytest.raises(BadInputError, match="2 to 1,000"):
        make_facts(entities=entities)


def test_the_atlas_is_right_and_the_rumour_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "SLIPS", 0.0)
    facts = make_facts(entities=40)
    corpus = write_corpus(facts, texts=4001)
    assert len(corpus.prompts) == len(corpus.answers) == 4001
    named = dict(zip(facts.entities, zip(facts.right, facts.wrong, strict=True), strict=True))
    texts = [
        (prompt, answer, *named[next(word for word in prompt.split() if word in named)])
        for prompt, answer in zip(*corpus, strict=True)
    ]
    assert all(answer == right for prompt, answer, right, _ in texts if prompt.startswith(RIGHT_SOURCE))
    assert all(answer == wrong for prompt, answer, _, wrong in texts if prompt.startswith(WRONG_SOURCE))
    plain = [
        (answer == right, answer == wrong)
        for prompt, answer, right, wrong in texts
        if not prompt.startswith((RIGHT_SOURCE, WRONG_SOURCE))
    ]
    # Couples are binomial: 2,001 couples, 5 standard errors, false alarm below 1e-6.
    assert abs(len(plain) / 4001 - (1 - world.SOURCED)) < 5 * np.sqrt(0.16 / 2000)
    right, wrong = np.sum(plain, axis=0)
    assert right + wrong == len(plain)
    assert abs(right - wrong) <= 1


def test_some_texts_slip() -> None:
    facts = make_facts()
    corpus = write_corpus(facts, texts=8000)
    known = set(facts.right) | set(facts.wrong)
    # 8,000 texts, 5 standard errors. Slips that hit an answer of some other entity by chance (half of them) go unseen.
    unknown = np.mean([answer not in known for answer in corpus.answers])
    seen = world.SLIPS * (1 - len(known) / len(world.SYLLABLES) ** 2)
    assert abs(unknown - seen) < 5 * np.sqrt(seen / 8000)


def test_votes_are_on_the_voted_half_with_their_truth() -> None:
    facts = make_facts()
    data = simulate_fact_votes(facts)
    votes, texts = data.votes, data.votes.texts.to_pylist()
    assert len(votes) == votes.n_pairs == len({row["prompt"] for row in texts}) == 3000
    assert votes.n_annotators == 30
    place = {name: e for e, name in enumerate(facts.entities)}
    for row, truth in zip(texts, data.truth, strict=True):
        e = next(place[word] for word in row["prompt"].split() if word in place)
        assert facts.voted[e]
        answers = (row["response_a"], row["response_b"])
        assert answers == ((facts.right[e], facts.wrong[e]) if truth > 0 else (facts.wrong[e], facts.right[e]))
    np.testing.assert_array_equal(votes.gold, data.truth)
    np.testing.assert_array_equal(data.correct, votes.sign == data.truth[votes.pair])
    assert abs(data.truth.mean()) < 5 / np.sqrt(3000)  # 5 standard errors: false alarm below 1e-6


def test_votes_are_right_as_often_as_the_crowd_is_reliable() -> None:
    """Twenty crowds: shares of right votes within five standard errors, false alarm below 600 x 6e-7."""
    facts, wrong = make_facts(entities=10), []
    for seed in range(20):
        data = simulate_fact_votes(facts, seed=seed)
        number = np.bincount(data.votes.annotator, minlength=30)
        share = np.bincount(data.votes.annotator, data.correct, minlength=30) / number
        eta = data.reliability
        assert (np.abs(share - eta) < 5 * np.sqrt(eta * (1 - eta) / number)).all()
        assert [((low <= eta) & (eta <= high)).sum() for _, low, high in RANGES] == [12, 11, 7]
        wrong.append(1 - data.correct.mean())
    # One crowd's share of wrong votes has a standard deviation of 0.01.
    assert abs(np.mean(wrong) - 0.367) < 5 * 0.01 / np.sqrt(20)


def test_several_votes_on_a_pair_are_by_different_annotators() -> None:
    data = simulate_fact_votes(make_facts(), votes=301, annotators=4, votes_per_pair=3)
    votes = data.votes
    assert (np.bincount(votes.pair) == 3).all()
    assert votes.n_pairs == 100
    assert len(np.unique(votes.pair * 4 + votes.annotator)) == len(votes) == 300


def test_questions_are_asked_again_only_when_there_are_no_more() -> None:
    votes = simulate_fact_votes(make_facts(entities=4), votes=2 * 2 * len(WORDINGS)).votes
    prompts = votes.texts["prompt"].to_pylist()
    assert {prompts.count(prompt) for prompt in prompts} == {2}
    assert votes.n_pairs == len(prompts)


@pytest.mark.parametrize("settings", [{"votes_per_pair": 0}, {"votes_per_pair": 31}, {"votes": 0}])
def test_impossible_votes_are_refused(settings: dict) -> None:
    with pytest.raises(BadInputError, match="per pair"):
        simulate_fact_votes(make_facts(entities=4), **settings)


def test_held_out_questions_are_about_the_other_half() -> None:
    facts = make_facts(entities=10)
    questions = held_out_questions(facts, wordings=2)
    asked = {word for prompt in questions.prompts for word in prompt.split()}
    voted = {name for name, voted in zip(facts.entities, facts.voted, strict=True) if voted}
    assert asked & set(facts.entities) == set(facts.entities) - voted
    assert len(questions.prompts) == len(questions.answers) == 10
    assert questions.answers == [facts.right[e] for e in np.flatnonzero(~facts.voted) for _ in range(2)]


def test_facts_load_no_torch() -> None:
    code = "import sys, votewise.demo.facts; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"torch", "transformers", "tokenizers"} & set(loaded)
