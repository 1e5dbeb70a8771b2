"""A log of clicks between more than two models: each matchup becomes a domain with a win rate of its own.

The users' attentiveness is the same in all of them, so it is estimated over all matchups together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from votewise.data.clicks import Counts
from votewise.errors import BadInputError, many
from votewise.users.known_win_rates import LEAST_EDGE, Bounds, WinRate
from votewise.users.outcomes import RowKind, side_of

PAIR, FIRST, SECOND, WINNER = "votewise_pair", "votewise_first", "votewise_second", "votewise_winner"
COLUMNS = {"a": FIRST, "b": SECOND, "winner": WINNER, "domain": PAIR}
"""The derived columns that stand for the log's own."""

MOST_PAIRS = 60
"""Most matchups in a log."""


def models_of(kinds: Sequence[RowKind]) -> list[str]:
    """The names of all models, sorted."""
    return sorted({str(name) for kind in kinds for name in (kind.a, kind.b) if name is not None and str(name).strip()})


def name_matchups(
    kinds: Sequence[RowKind], asked: Sequence[str], model: str | None, source: str
) -> dict[tuple[str, str], str]:
    """The name of every matchup that met: ``A:B``, with A the model that the matchup's win rate is about.

    Args:
        kinds: all kinds of rows.
        asked: matchups as the user names them; others are named by ``model`` first, or else in alphabetical order.
        model: a model that comes first in its matchups.
        source: name of the log, for messages.

    Raises:
        BadInputError: a matchup that never met, a model that is not there, or too many matchups.
    """
    met = {frozenset((str(kind.a), str(kind.b))) for kind in kinds if None not in (kind.a, kind.b) and kind.a != kind.b}
    if len(met) > MOST_PAIRS:
        raise BadInputError(
            many(len(met), "matchup"),
            source=source,
            expected=f"at most {MOST_PAIRS}; filter the log by models first",
        )
    models = models_of(kinds)
    if model is not None and model not in models:
        raise BadInputError("no such model", source=source, value=model, expected=f"one of {', '.join(models)}")
    named: dict[frozenset[str], tuple[str, str]] = {}
    for name in asked:
        both = next(((a, b) for a in models for b in models if a != b and f"{a}:{b}" == name), None)
        if both is None or frozenset(both) not in met:
            found = ", ".join(sorted(":".join(sorted(matchup)) for matchup in met))
            raise BadInputError(
                "no such matchup", source=source, parameter="win_rate", value=name, expected=f"one of {found}"
            )
        named[frozenset(both)] = both
    for matchup in met - named.keys():
        first, second = sorted(matchup, key=lambda name: (name != model, name))
        named[matchup] = (first, second)
    return {both: ":".join(both) for both in named.values()}


def by_matchups(
    rows: Any, columns: Mapping[str, str], names: Mapping[tuple[str, str], str], words: Mapping[Any, str]
) -> tuple[Any, dict[str, str]]:
    """The rows with derived columns that look like a log of two models, A and B, with the matchup as the domain.

    ``words`` says which winners are no names of models, and what they mean, as ``words_of_winners`` gives it.
    """
    import ibis

    a, b = (rows[columns[side]].cast("string") for side in "ab")
    # As words that no model of the derived columns is called by: ``A`` may be a side here, and is a model there.
    said = [(str(value), {"a": "model_a", "b": "model_b"}.get(word, word)) for value, word in words.items()]
    winner = rows[columns["winner"]].cast("string")
    straight = [((a == first) & (b == second), name) for (first, second), name in names.items()]
    swapped = [((a == second) & (b == first), name) for (first, second), name in names.items()]
    is_straight = ibis.or_(*(condition for condition, _ in straight))
    known = ibis.or_(*(condition for condition, _ in (*straight, *swapped)))
    derived = rows.mutate(
        **{
            PAIR: ibis.cases(*straight, *swapped, else_=ibis.null("string")),
            FIRST: ibis.cases((is_straight, "A"), (known, "B"), (a == b, "A"), else_=a),
            SECOND: ibis.cases((is_straight, "B"), (known, "A"), (a == b, "A"), else_=b),
            WINNER: ibis.cases(
                (winner == a, "model_a"),
                (winner == b, "model_b"),
                *((winner == value, word) for value, word in said),
                else_=winner,
            ),
        }
    )
    return derived, {**columns, **COLUMNS}


def words_of_winners(kinds: Sequence[RowKind], columns: Mapping[str, str], source: str) -> dict[Any, str]:
    """The winners that are words and no names of models, and what they mean: ``a``, ``b``, ``tie`` or ``skip``.

    Args:
        kinds: kinds of rows without a fault.
        columns: the log's own names of ``winner`` and ``a``, for messages.
        source: name of the log, for messages.

    Raises:
        BadInputError: a winner is a word for one side and the name of the model on the other.
    """
    found = {}
    for kind in kinds:
        side = side_of(kind, columns["winner"], columns["a"], source)
        if side is not None and str(kind.winner) not in (str(kind.a), str(kind.b)):
            found[kind.winner] = side
    return found


def rates_of_matchups(given: WinRate | Mapping[str, WinRate], counts: Counts) -> dict[str, WinRate]:
    """A win rate for every matchup: the given ones, and for the others bounds on the side that most clicks are on.

    Raises:
        BadInputError: one win rate for all matchups.
    """
    if not isinstance(given, Mapping):
        raise BadInputError(
            f"one win rate for {many(len(counts.domains), 'matchup')}",
            parameter="win_rate",
            value=given,
            expected=f"one for each that is known, as in {counts.domains[0]}=0.7; the others are estimated",
        )
    comparisons, wins = counts.users @ counts.comparisons, counts.users @ counts.wins
    share = np.where(comparisons > 0, wins / np.maximum(comparisons, 1), 0.5)
    above, below = Bounds(0.5 + LEAST_EDGE, 1.0), Bounds(0.0, 0.5 - LEAST_EDGE)
    return {domain: given.get(domain, above if share[i] >= 0.5 else below) for i, domain in enumerate(counts.domains)}
