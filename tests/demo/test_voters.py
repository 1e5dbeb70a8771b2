import numpy as np

from votewise import read_votes
from votewise.demo import make_demo_data


def test_the_seed_decides_everything() -> None:
    first, again, other = (make_demo_data(pairs=30, seed=seed) for seed in (1, 1, 2))
    assert first.table.equals(again.table)
    assert not first.table.equals(other.table)


def test_questions_differ_and_have_one_right_answer() -> None:
    votes = read_votes(make_demo_data().table)
    assert votes.n_pairs == 600
    assert votes.n_annotators == 40
    assert len(set(votes.texts["prompt"].to_pylist())) == 600
    assert (votes.gold != 0).all()
    assert len(votes.domain_ids) == 6


def test_the_votes_are_as_good_as_the_crowd() -> None:
    data = make_demo_data(pairs=600)
    votes = read_votes(data.table)
    decided = votes.sign != 0
    right = (votes.sign == votes.gold[votes.pair])[decided]
    assert 0.27 < 1 - right.mean() < 0.33
    place = {name: k for k, name in enumerate(data.names)}
    of = np.array([place[name] for name in votes.annotator_ids.to_pylist()])[votes.annotator[decided]]
    number = np.bincount(of)
    share = np.bincount(of, right) / number
    # Each share is binomial: 5 standard errors, false alarm below 40 x 6e-7.
    assert (np.abs(share - data.reliability) < 5 * np.sqrt(0.25 / number)).all()
    clicker = data.kinds.index("first-clicker")
    assert (votes.first[decided][of == clicker] == 1).all()
