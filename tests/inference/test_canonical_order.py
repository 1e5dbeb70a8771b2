"""The order of pairs and annotators is the same however the votes are written down."""

from __future__ import annotations

import numpy as np

from votewise.inference.canonical_order import canonical_order


def placed(pair: np.ndarray, annotator: np.ndarray, sign: np.ndarray, side: np.ndarray) -> list[tuple[int, ...]]:
    """The votes by places, with what each says about its pair's first vote and about what was shown first."""
    of_pair, of_annotator = canonical_order(pair, annotator, sign, side, pairs=40, annotators=12)
    order = np.lexsort([of_annotator[annotator], of_pair[pair]])
    _, first = np.unique(of_pair[pair][order], return_index=True)
    lead = sign[order][first][of_pair[pair][order]]
    columns = of_pair[pair][order], of_annotator[annotator][order], sign[order] * lead, (sign * side)[order]
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_rows_names_and_which_response_is_called_a_make_no_difference() -> None:
    rng = np.random.default_rng(0)
    pair = np.repeat(np.arange(40), 4)
    annotator = np.argsort(rng.random((40, 12)), axis=1)[:, :4].ravel()
    sign, side = rng.choice([-1, 1], 160), rng.choice([-1.0, 1.0], 160)
    found = placed(pair, annotator, sign, side)
    for _ in range(5):
        row, person, place = rng.permutation(160), rng.permutation(12), rng.permutation(40)
        flip = rng.choice([-1, 1], 40)[pair]
        again = placed(place[pair][row], person[annotator][row], (sign * flip)[row], (side * flip)[row])
        assert again == found


def test_places_are_a_numbering() -> None:
    pair, annotator = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 0, 1, 0, 2])
    for found in canonical_order(pair, annotator, np.array([1, 1, 1, -1, 1, 1]), None, pairs=3, annotators=3):
        assert sorted(found.tolist()) == [0, 1, 2]
