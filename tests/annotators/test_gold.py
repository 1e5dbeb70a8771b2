import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from votewise.annotators.gold import area_under_curve, score_against_gold
from votewise.annotators.results import ReliabilityResult
from votewise.data.votes import Votes


def result_of(p_a: list[float], confidence: list[float | None]) -> ReliabilityResult:
    empty = pa.table({})
    return ReliabilityResult(
        annotators=empty, votes=pa.table({"confidence": pa.array(confidence, pa.float64())}),
        pairs=pa.table({"p_a": p_a}), calibration=empty, prior={"family": "none"}, prior_width=0.95, temperature=1.0,
        converged=True, iterations=1, history=(), diagnostics=(), settings={},
    )  # fmt: skip


def test_scores_by_hand() -> None:
    # Pair 0 is right by a posterior against the majority, pair 1 is even, pair 2 has no gold, pair 3 only a tie.
    votes = Votes.from_arrays(
        pair=[0, 0, 0, 1, 2, 3], annotator=[0, 1, 2, 0, 0, 0], sign=[1, -1, -1, 1, 1, 0], gold=[1, -1, 0, 1]
    )
    scores = score_against_gold(votes, result_of([0.8, 0.5, 0.9, 0.1], [0.8, 0.3, 0.2, 0.3, 0.9, None]))
    assert scores is not None
    assert (scores.pairs, scores.votes) == (2, 4)
    assert scores.wrong == pytest.approx(3 / 4)
    assert scores.accuracy == pytest.approx(0.75)
    assert scores.majority_accuracy == 0
    assert scores.auc == 1


def test_no_gold_no_scores() -> None:
    result = result_of([0.8], [0.8])
    assert score_against_gold(Votes.from_arrays([0], [0], [1]), result) is None
    assert score_against_gold(Votes.from_arrays([0], [0], [1], gold=[0]), result) is None


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=40))
def test_area_is_the_share_of_ordered_comparisons(items: list[tuple[int, bool]]) -> None:
    score, right = np.array([s for s, _ in items], float), np.array([r for _, r in items])
    gaps = score[right][:, None] - score[~right][None, :]
    expected = None if gaps.size == 0 else pytest.approx(((gaps > 0) + (gaps == 0) / 2).mean())
    assert area_under_curve(score, right) == expected
