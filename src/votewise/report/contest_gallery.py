"""Which contests are shown: an even sample of each kind of verdict, up to a size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from votewise.data.contests import Contests, Verdicts
from votewise.data.win_rates import WinRateResult
from votewise.report.text import Passage, passages

PER_KIND = 60
"""Contests shown of each kind, at most."""
BUDGET = 700_000
"""Bytes for the cards' contents."""
COMMENT_CAP = 1_500

KINDS = {
    "won": "A is better",
    "lost": "B is better",
    "tie": "tie",
    "swapped": "changed with the order",
    "failed": "no verdict",
}
"""Kinds of verdict with their names; each contest is of one kind."""


@dataclass(frozen=True)
class ContestCard:
    """One contest as shown: texts, lengths, and the judge's verdict."""

    number: int
    model_a: str
    model_b: str
    kind: str
    domain: str | None
    prompt: tuple[Passage, ...]
    answer_a: tuple[Passage, ...]
    answer_b: tuple[Passage, ...]
    length_a: int | None
    length_b: int | None
    preference: float | None
    score_a: float | None
    score_b: float | None
    shown: str | None
    swapped: str | None
    comments: tuple[tuple[Passage, ...], tuple[Passage, ...]] | None
    problem: str | None

    @property
    def size(self) -> int:
        """Approximate number of bytes that the card takes in the page."""
        comments = self.comments or ((), ())
        texts = (*self.prompt, *self.answer_a, *self.answer_b, *comments[0], *comments[1])
        return 1200 + sum(passage.size for passage in texts)


@dataclass(frozen=True)
class ContestGallery:
    """The cards, kinds and matchups mixed; for each kind its name, its number of contests, and how many are shown."""

    cards: tuple[ContestCard, ...]
    kinds: tuple[tuple[str, int, int], ...]
    total: int


def build_contest_gallery(results: Sequence[WinRateResult]) -> ContestGallery:
    """Choose and assemble what is shown: of each kind an even sample over how clear the verdict is, the clearest first.

    Args:
        results: one for each matchup; every pair gets the same number of cards.
    """
    kinds = [kinds_of(result.verdicts) for result in results]
    queues = [
        [(pair, row) for row in _sample(kinds[pair], kind, result.verdicts, max(1, PER_KIND // len(results)))]
        for kind in KINDS
        for pair, result in enumerate(results)
    ]
    cards: list[ContestCard] = []
    room = BUDGET
    for pair, row in _in_turn(queues):
        card = _card(results[pair].contests, results[pair].verdicts, row, str(kinds[pair][row]))
        room -= card.size
        if room < 0 and cards:
            break
        cards.append(card)
    total, shown = Counter(np.concatenate(kinds).tolist()), Counter(card.kind for card in cards)
    counted = tuple((kind, total[kind], shown[kind]) for kind in KINDS if total[kind])
    return ContestGallery(tuple(cards), counted, sum(total.values()))


def _sample(kinds: npt.NDArray[np.object_], kind: str, verdicts: Verdicts, most: int) -> list[int]:
    """Contests of one kind, spread evenly over how clear their verdicts are."""
    of_kind = np.flatnonzero(kinds == kind)
    ranked = of_kind[np.argsort(-clearness(verdicts)[of_kind], kind="stable")]
    chosen: list[int] = ranked[_evenly(len(ranked), most)].tolist()
    return chosen


def kinds_of(verdicts: Verdicts) -> npt.NDArray[np.object_]:
    """(n,) the kind of each contest's verdict."""
    preference = np.nan_to_num(verdicts.preference, nan=0.5)
    kinds = np.where(preference > 0.5, "won", np.where(preference < 0.5, "lost", "tie")).astype(object)
    if verdicts.as_shown is not None and verdicts.as_swapped is not None:
        kinds[verdicts.judged & (verdicts.as_shown != verdicts.as_swapped)] = "swapped"
    kinds[~verdicts.judged] = "failed"
    return kinds


def clearness(verdicts: Verdicts) -> npt.NDArray[np.float64]:
    """(n,) how far the verdict is from a tie: the difference of scores where there are scores."""
    if verdicts.score_a is not None and verdicts.score_b is not None:
        return np.abs(np.nan_to_num(verdicts.score_a - verdicts.score_b))
    return np.abs(np.nan_to_num(verdicts.preference, nan=0.5) - 0.5)


def _evenly(n: int, most: int) -> npt.NDArray[np.int64]:
    """Places spread evenly over 0 to n - 1, both ends included."""
    return np.unique(np.round(np.linspace(0, n - 1, min(n, most))).astype(np.int64)) if n else np.zeros(0, np.int64)


def _in_turn(queues: Sequence[list[tuple[int, int]]]) -> list[tuple[int, int]]:
    """The first of each queue, then the second of each, and so on."""
    longest = max(map(len, queues), default=0)
    return [queue[place] for place in range(longest) for queue in queues if place < len(queue)]


def _card(contests: Contests, verdicts: Verdicts, row: int, kind: str) -> ContestCard:
    comments = verdicts.comments[row] if verdicts.comments is not None else None
    return ContestCard(
        number=row + 1,
        model_a=contests.model_a,
        model_b=contests.model_b,
        kind=kind,
        domain=contests.domain[row] if contests.domain is not None else None,
        prompt=passages(contests.prompts[row]),
        answer_a=passages(contests.answers_a[row]) if contests.answers_a is not None else (),
        answer_b=passages(contests.answers_b[row]) if contests.answers_b is not None else (),
        length_a=_length(contests.length_a, row),
        length_b=_length(contests.length_b, row),
        preference=_number(verdicts.preference, row),
        score_a=_number(verdicts.score_a, row),
        score_b=_number(verdicts.score_b, row),
        shown=_said(verdicts.as_shown, row),
        swapped=_said(verdicts.as_swapped, row),
        comments=None if comments is None else (passages(comments[0], COMMENT_CAP), passages(comments[1], COMMENT_CAP)),
        problem=verdicts.problems[row],
    )


def _number(values: npt.NDArray[np.float64] | None, row: int) -> float | None:
    return None if values is None or not np.isfinite(values[row]) else float(values[row])


def _length(values: npt.NDArray[np.float64] | None, row: int) -> int | None:
    value = _number(values, row)
    return None if value is None else int(value)


def _said(values: npt.NDArray[np.float64] | None, row: int) -> str | None:
    """The verdict in one order in words; None without a verdict."""
    value = _number(values, row)
    return None if value is None else "A" if value > 0.5 else "B" if value < 0.5 else "tie"
