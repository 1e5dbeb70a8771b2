"""Votes between several models, wherever they are stored -> how often each beat each other, counted by the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from votewise.arrays import Bools, Ints
from votewise.errors import BadInputError, many
from votewise.inference.bradley_terry import Games
from votewise.sources.containers.lazy import open_table
from votewise.sources.databases.connections import engine_errors
from votewise.sources.meanings.labels import NEUTRAL, WINNERS, meant_by
from votewise.sources.option_words import label_option

LENGTH_STEPS = 40
"""Steps of the difference of lengths over their sum, from -1 to 1, by which the engine counts."""

EXPECTED = "model_a, model_b, tie or one of the models' names"


@dataclass(frozen=True, eq=False)
class Tally:
    """Counted votes.

    Attributes:
        models: (K,) names, in alphabetical order.
        games: who beat whom; with lengths, the covariate is (length of the first - of the second) / (their sum).
        annotator: (R,) code of who voted; None where everybody's votes are counted together.
        annotators: (A,) names; None likewise.
        skipped: reason -> rows that could not be used.
        source: name of what was counted.
    """

    models: tuple[str, ...]
    games: Games
    annotator: Ints | None
    annotators: pa.Array | None
    skipped: Mapping[str, int] = field(default_factory=dict)
    source: str = ""


def count_games(
    votes: Any,
    columns: Mapping[str, str],
    *,
    label: Mapping[str, str] | None = None,
    by_length: bool = False,
    skip: bool = False,
) -> Tally:
    """Count the votes between every two models where they are stored.

    Args:
        votes: a file, a folder of Parquet files, a table's URL, an ibis table or a table in memory.
        columns: the names that ``model_a``, ``model_b``, ``winner`` and, where wanted, ``annotator`` have in it; with
            ``by_length`` also ``response_a`` and ``response_b``.
        label: what values of the winner mean, ``{"left": "a"}``; words that ``read_votes`` knows need none.
        by_length: whether to count by the answers' lengths.
        skip: whether to leave out rows that cannot be used; otherwise they are an error.

    Raises:
        BadInputError: a column is missing, rows that cannot be used, or nothing is left.
    """
    with open_table(votes, split=None, stop=not skip, told=None) as opened, engine_errors(opened.name):
        for what, name in columns.items():
            if name not in opened.own:
                raise BadInputError(
                    f"there is no column '{name}' for {what}",
                    source=opened.name,
                    expected=f"--columns {what}=NAME with one of {', '.join(opened.own[:12])}",
                )
        counted = _counted(opened.rows, columns, by_length)
        source = opened.name
    if len(counted) == 0:
        raise BadInputError("there are no rows", source=source, expected="at least one vote")
    return _tally(counted, columns, dict(label or {}), source, skip)


def _counted(rows: Any, columns: Mapping[str, str], by_length: bool) -> pa.Table:
    """One row per kind of vote: ``model_a``, ``model_b``, ``winner``, further keys, and how many ``rows`` there are."""
    keys = {what: rows[name].cast("string") for what, name in columns.items() if not what.startswith("response")}
    if by_length:
        first, second = (rows[columns[f"response_{side}"]].length().cast("float64") for side in "ab")
        longer = (first - second) / (first + second).nullif(0)
        keys["step"] = (longer.fill_null(0) * (LENGTH_STEPS / 2)).round().cast("int64")
    return rows.group_by(**keys).agg(rows=rows.count()).to_pyarrow()


def _tally(counted: pa.Table, columns: Mapping[str, str], label: dict[str, str], source: str, skip: bool) -> Tally:
    a, b, winner = (_codes(counted[name]) for name in ("model_a", "model_b", "winner"))
    rows = counted["rows"].to_numpy().astype(np.float64)
    models = sorted(set(a.names) | set(b.names))
    place = {name: i for i, name in enumerate(models)}
    first, second = a.renumbered(place), b.renumbered(place)
    named = winner.renumbered(place)
    meaning = _meanings(winner, named, label, columns["winner"], source)
    won = (meaning == "a") | ((meaning == "named") & (named == first))
    lost = (meaning == "b") | ((meaning == "named") & (named == second))
    tied, no_vote = meaning == "tie", meaning == "skip"
    missing = (first < 0) | (second < 0)
    faults: dict[str, tuple[Bools, str, str]] = {
        "no model": (missing, "model_a", "the name of a model"),
        "the same model on both sides": (~missing & (first == second), "model_b", "two models"),
        "no winner": (winner.code < 0, "winner", EXPECTED),
        "unknown winner": (~(won | lost | tied | no_vote) & (winner.code >= 0), "winner", EXPECTED),
    }
    usable, skipped = won | lost | tied, {}
    for problem, (out, what, expected) in faults.items():
        number = int(rows[out].sum())
        if number and not skip:
            example = counted[what][int(np.flatnonzero(out)[0])].as_py()
            raise BadInputError(
                f"{problem} in {many(number, 'row')}",
                source=source,
                column=columns[what],
                value=example,
                expected=f"{expected}; --on-error skip leaves such rows out",
            )
        if number:
            skipped[problem] = number
            usable = usable & ~out
    if no_vote.any():
        skipped["no vote"] = int(rows[no_vote].sum())
    if not usable.any():
        raise BadInputError("no row can be used", source=source, expected="votes between two models")
    x = (
        counted["step"].to_numpy().astype(np.float64)[usable] / (LENGTH_STEPS / 2)
        if "step" in columns_of(counted)
        else None
    )
    number = rows[usable]
    games = Games(
        first[usable],
        second[usable],
        number * won[usable],
        number * lost[usable],
        number * tied[usable],
        len(models),
        x,
    )
    if "annotator" not in columns_of(counted):
        return Tally(tuple(models), games.merged(), None, None, skipped, source)
    people = _codes(counted["annotator"])
    if (people.code[usable] < 0).any():
        raise BadInputError(
            "no annotator", source=source, column=columns["annotator"], expected="the name of who voted in every row"
        )
    return Tally(tuple(models), games, people.code[usable].astype(np.int32), pa.array(people.names), skipped, source)


def columns_of(table: pa.Table) -> set[str]:
    """The names of a table's columns."""
    return set(table.column_names)


@dataclass(frozen=True, eq=False)
class _Coded:
    """A column of texts as numbers: (n,) ``code``, -1 where one is missing or blank, of ``names``."""

    code: npt.NDArray[np.int64]
    names: list[str]

    def renumbered(self, place: Mapping[str, int]) -> npt.NDArray[np.int64]:
        """(n,) each text's number in ``place``; -1 where it has none."""
        numbers = np.array([*(place.get(name, -1) for name in self.names), -1])
        return np.asarray(numbers[self.code])


def _codes(column: pa.ChunkedArray) -> _Coded:
    coded = pc.dictionary_encode(column).combine_chunks()
    coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
    names = coded.dictionary.to_pylist()
    code = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    blank = [i for i, name in enumerate(names) if name is None or not name.strip()]
    kept = [name for i, name in enumerate(names) if i not in blank]
    number = np.array([-1 if i in blank else i - sum(j < i for j in blank) for i in range(len(names))] + [-1])
    return _Coded(number[code], kept)


def _meanings(
    winner: _Coded, named: npt.NDArray[np.int64], label: dict[str, str], column: str, source: str
) -> npt.NDArray[np.str_]:
    """(n,) what each winner says: ``a``, ``b``, ``tie``, ``skip``, ``named`` for a model's name, or nothing."""
    are_models = {winner.names[code] for code in np.unique(winner.code[(named >= 0) & (winner.code >= 0)])}
    found = []
    for name in winner.names:
        told = meant_by(name, label, {})
        word = meant_by(name, {}, WINNERS)
        word = told or (None if word is None else NEUTRAL.get(word, word))
        if name in are_models and told is None:
            if word in ("a", "b", "tie"):
                raise BadInputError(
                    "could mean the column or the model of that name",
                    source=source,
                    column=column,
                    value=name,
                    expected=f"{label_option(name)} (b, tie, skip) to say what it means",
                )
            word = "named"
        found.append(NEUTRAL.get(word, word) if word else "")
    return np.array([*found, ""])[winner.code]
