"""What each kind of row of a log of clicks says: for model A, for model B, a tie, or nothing usable.

A log of any size holds few kinds of rows: combinations of the two models' names, the winner and the domain. Python looks
at these only; the engine that holds the log counts with what is found here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from votewise.errors import BadInputError, many
from votewise.sources.meanings.label_words import NEUTRAL, WINNERS, meant_by
from votewise.sources.option_words import label_option

TIE, SKIP = "tie", "skip"
EXPECTED = "model_a, model_b, tie or one of the models' names"
SHOWN = 6


@dataclass(frozen=True)
class RowKind:
    """Rows that differ in the user only: the models on both sides, the winner, the domain, and how many rows there are."""

    a: Any
    b: Any
    winner: Any
    domain: Any
    rows: int


@dataclass(frozen=True)
class Fault:
    """Why rows of a ``kind`` cannot be used: the value in a ``column``, and what was expected there."""

    problem: str
    column: str
    value: Any
    expected: str
    kind: RowKind


@dataclass(frozen=True)
class Outcomes:
    """How to read a log.

    Attributes:
        models: names of model A and model B.
        a, b: winners that mean A (B), regardless of the sides.
        left, right: winners that mean the model in the first (second) column.
        ties: winners that mean neither.
        domains: names of the domains, in the order of their values; ``("",)`` without a column of domains.
        no_vote: winners that say that nobody voted.
        n_ties: rows that are ties.
        n_no_vote: rows that are no votes.
        swapped: rows with model A in the second column.
        faults: the kinds of rows that cannot be used, those with most rows first.
    """

    models: tuple[str, str]
    a: tuple[Any, ...]
    b: tuple[Any, ...]
    left: tuple[Any, ...]
    right: tuple[Any, ...]
    ties: tuple[Any, ...]
    no_vote: tuple[Any, ...]
    domains: tuple[Any, ...]
    n_ties: int
    n_no_vote: int
    swapped: int
    faults: tuple[Fault, ...]

    @property
    def decided(self) -> tuple[Any, ...]:
        """Winners that are not ties."""
        return (*self.a, *self.b, *self.left, *self.right)


def read_outcomes(
    kinds: Sequence[RowKind], columns: dict[str, str], *, source: str, model: str | None = None
) -> Outcomes:
    """Work out the models, and what each winner means.

    Args:
        kinds: all kinds of rows there are.
        columns: the log's own names of ``a``, ``b``, ``winner`` and, where there are domains, ``domain``.
        source: name of the log, for messages.
        model: which of the two models is A; the alphabetically first if None.

    Raises:
        BadInputError: more or fewer than two models, an unknown ``model``, or a winner with two meanings.
    """
    models = _models(kinds, columns, source, model)
    meaning: dict[Any, dict[bool, str]] = {}
    faults: list[Fault] = []
    ties = swapped = no_vote = 0
    for kind in kinds:
        fault = fault_of(kind, columns)
        if fault is not None:
            faults.append(fault)
            continue
        found = _meaning(kind, models, columns, source)
        if found is None:
            expected = f"{EXPECTED}; or {label_option(str(kind.winner))} (b, tie, skip) to say what it means"
            faults.append(Fault("unknown winner", columns["winner"], kind.winner, expected, kind))
            continue
        no_vote += kind.rows * (found == SKIP)
        meaning.setdefault(kind.winner, {})[str(kind.a) == models[0]] = found
        ties += kind.rows * (found == TIE)
        swapped += kind.rows * (str(kind.a) != models[0] and found != SKIP)
    return Outcomes(
        models=models,
        **_winners(meaning),
        domains=_domains(kinds) if "domain" in columns else ("",),
        n_ties=ties,
        n_no_vote=no_vote,
        swapped=swapped,
        faults=tuple(sorted(faults, key=lambda fault: -fault.kind.rows)),
    )


def _models(kinds: Sequence[RowKind], columns: dict[str, str], source: str, model: str | None) -> tuple[str, str]:
    rows: Counter[str] = Counter()
    for kind in kinds:
        for name in (kind.a, kind.b):
            if not _missing(name):
                rows[str(name)] += kind.rows
    if len(rows) != 2:
        found = ", ".join(f"'{name}' ({many(number, 'row')})" for name, number in rows.most_common(SHOWN))
        more = f" and {len(rows) - SHOWN:,} more" if len(rows) > SHOWN else ""
        raise BadInputError(
            f"{len(rows):,} model{'s' * (len(rows) != 1)}: {found}{more}",
            source=source,
            column=f"{columns['a']}', '{columns['b']}",
            expected="the same two models in all rows",
        )
    first, second = sorted(rows)
    if model is None or model == first:
        return first, second
    if model == second:
        return second, first
    raise BadInputError("no such model", source=source, value=model, expected=f"'{first}' or '{second}'")


def fault_of(kind: RowKind, columns: dict[str, str]) -> Fault | None:
    """What is wrong with the models, the domain or the winner of a kind of rows; None if nothing."""
    for side, value in (("a", kind.a), ("b", kind.b)):
        if _missing(value):
            return Fault("no model", columns[side], value, "the name of a model", kind)
    if kind.a == kind.b:
        return Fault("the same model on both sides", columns["b"], kind.b, "two models", kind)
    if "domain" in columns and _missing(kind.domain):
        return Fault("no domain", columns["domain"], kind.domain, "the name of a domain", kind)
    if _missing(kind.winner):
        return Fault("no winner", columns["winner"], kind.winner, EXPECTED, kind)
    return None


def _meaning(kind: RowKind, models: tuple[str, str], columns: dict[str, str], source: str) -> str | None:
    """Who won by the kind's winner: ``a`` (model A), ``b``, ``tie`` or ``skip``; None where it is not known."""
    side = side_of(kind, columns["winner"], columns["a"], source)
    won = {"a": str(kind.a), "b": str(kind.b)}.get(side or "")
    if won is not None:
        return "ab"[models.index(won)]
    named = str(kind.winner) if str(kind.winner) in models else None
    return side if named is None else "ab"[models.index(named)]


def side_of(kind: RowKind, winner: str, first: str, source: str) -> str | None:
    """Who won by the kind's winner: the first side (``a``), ``b``, ``tie`` or ``skip``; None where it is not known.

    Winners are words, notations or a model's name, as ``read_votes`` reads them.

    Args:
        kind: rows without a fault.
        winner: the name of the column of winners, for messages.
        first: the name of the column with the models on the first side, too.
        source: name of the log, too.

    Raises:
        BadInputError: the winner is a word for one side and the name of the model on the other.
    """
    value = str(kind.winner)
    word = meant_by(value, {}, WINNERS)
    side = None if word is None else NEUTRAL.get(word, word)
    named = "a" if value == str(kind.a) else "b" if value == str(kind.b) else None
    if named is not None and side not in (None, SKIP, named):
        raise BadInputError(
            f"could mean the column or the model of that name, in {many(kind.rows, 'row')} with '{kind.a}' in "
            f"column '{first}'",
            source=source,
            column=winner,
            value=kind.winner,
            expected=f"{label_option(value)} (b, tie, skip) to say that it means the column",
        )
    return named or side


def _winners(meaning: dict[Any, dict[bool, str]]) -> dict[str, tuple[Any, ...]]:
    """Sort winners by what they mean with model A in the first column and in the second."""
    sorted_out: dict[str, list[Any]] = {"a": [], "b": [], "left": [], "right": [], "ties": [], "no_vote": []}
    names = {("a", "a"): "a", ("b", "b"): "b", ("a", "b"): "left", ("b", "a"): "right", (TIE, TIE): "ties"}
    names[SKIP, SKIP] = "no_vote"
    for winner, by_side in meaning.items():
        one = next(iter(by_side.values()))
        sorted_out[names[by_side.get(True, one), by_side.get(False, one)]].append(winner)
    return {name: tuple(values) for name, values in sorted_out.items()}


def _domains(kinds: Sequence[RowKind]) -> tuple[Any, ...]:
    return tuple(sorted({kind.domain for kind in kinds if not _missing(kind.domain)}))


def _missing(value: Any) -> bool:
    return value is None or value != value or (isinstance(value, str) and not value.strip())
