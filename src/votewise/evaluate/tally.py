"""Counted rows of votes between several models -> games: who beat whom how often, and which votes are on one pair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from votewise.arrays import Bools, Floats, Ints
from votewise.data.plain_columns import column_of_texts, numbers_of
from votewise.errors import BadInputError, many
from votewise.evaluate.battle_rows import LENGTH_STEPS, BattleOptions, BattleRows, count_battles
from votewise.inference.bradley_terry import Games
from votewise.sources.meanings.label_words import NEUTRAL, WINNERS, meant_by
from votewise.sources.option_words import label_option

EXPECTED = "model_a, model_b, tie or one of the models' names"

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Tally:
    """Counted votes.

    Attributes:
        models: (K,) names, in alphabetical order.
        games: R kinds of games, each between the same two models, by the same annotator and at the same covariate; with
            lengths, the covariate is (length of the first - of the second) / (their sum).
        annotator: (R,) code of who voted; None where everybody's votes are counted together.
        annotators: (A,) names; None likewise.
        pairs: sparse (P, 3R), of every pair of answers how many votes it has of each kind that the first won, then that
            the second won, then that were tied; None where every vote is on a pair of its own.
        told: what says which votes are on one pair; None where nothing does.
        skipped: reason -> rows that could not be used.
        notes: what to say about the source.
        source: name of what was counted.
    """

    models: tuple[str, ...]
    games: Games
    annotator: Ints | None
    annotators: pa.Array | None
    pairs: Any = None
    told: str | None = None
    skipped: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    source: str = ""

    def among(self, kept: Bools) -> Tally:
        """The votes between the models that are kept, numbered anew; ``models`` stays as it is."""
        games = self.games
        use = kept[games.first] & kept[games.second]
        number = np.cumsum(kept) - 1
        some = Games(
            number[games.first[use]],
            number[games.second[use]],
            games.won[use],
            games.lost[use],
            games.tied[use],
            int(kept.sum()),
            None if games.covariate is None else games.covariate[use],
        )
        pairs = None
        if self.pairs is not None:
            pairs = self.pairs[:, np.flatnonzero(np.tile(use, 3))]
            pairs = pairs[np.diff(pairs.indptr) > 0]
        annotator = None if self.annotator is None else self.annotator[use]
        return Tally(
            self.models, some, annotator, self.annotators, pairs, self.told, self.skipped, self.notes, self.source
        )


def count_games(votes: Any, columns: Mapping[str, str], options: BattleOptions | None = None) -> Tally:
    """Count the votes between every two models where they are stored.

    Args:
        votes: a file, a folder of Parquet files, a table's URL, an ibis table or a table in memory.
        columns: the names that ``model_a``, ``model_b``, ``winner`` and, where wanted, ``annotator`` and ``pair`` have in
            it; with ``by_length`` also ``response_a`` and ``response_b``.
        options: how votes are read.

    Raises:
        BadInputError: a column is missing, rows that cannot be used, or nothing is left.
    """
    options = options or BattleOptions()
    counted = count_battles(votes, columns, options)
    if len(counted.kinds) == 0:
        raise BadInputError("there are no rows", source=counted.source, expected="at least one vote")
    return _Reading(counted, options).tally()


class _Reading:
    """Makes games of counted rows."""

    def __init__(self, counted: BattleRows, options: BattleOptions) -> None:
        self.counted, self.options, self.kinds = counted, options, counted.kinds
        self.rows = numbers_of(self.kinds["rows"]).astype(np.float64)
        a, b, self.winner = (_codes(self.kinds[name]) for name in ("model_a", "model_b", "winner"))
        self.models = sorted(set(a.names) | set(b.names))
        place = {name: i for i, name in enumerate(self.models)}
        self.first, self.second, self.named = (side.renumbered(place) for side in (a, b, self.winner))
        self.who: _Coded | None = None
        if "annotator" in self.kinds.column_names:
            self.who = _codes(self.kinds["annotator"]).with_missing(options.one_annotator)

    def tally(self) -> Tally:
        """The games.

        Raises:
            BadInputError: rows that cannot be used, or nothing is left.
        """
        counted = self.counted
        meaning = self._meanings()
        won = (meaning == "a") | ((meaning == "named") & (self.named == self.first))
        lost = (meaning == "b") | ((meaning == "named") & (self.named == self.second))
        tied, no_vote = meaning == "tie", meaning == "skip"
        usable, skipped = self._usable(won | lost | tied, no_vote)
        if no_vote.any():
            skipped["no vote"] = skipped.get("no vote", 0) + int(self.rows[no_vote].sum())
        if not usable.any():
            raise BadInputError("no row can be used", source=counted.source, expected="votes between two models")
        side = np.where(tied, 2, np.where(won == (self.first < self.second), 0, 1))[usable]
        kind, games, annotator = self._games(usable, side)
        pairs = self._pairs(usable, side * len(games.first) + kind, 3 * len(games.first))
        return Tally(
            tuple(self.models),
            games,
            annotator,
            None if self.who is None else column_of_texts(self.who.names),
            pairs,
            counted.pairs,
            skipped,
            counted.notes,
            counted.source,
        )

    def _usable(self, vote: Bools, no_vote: Bools) -> tuple[Bools, dict[str, int]]:
        """Which kinds of rows are votes; how many rows are not, by the reason. Rows that say that nobody voted are fine."""
        missing = (self.first < 0) | (self.second < 0)
        faults: dict[str, tuple[Bools, str, str]] = {
            "no model": (missing, "model_a", "the name of a model"),
            "the same model on both sides": (~missing & (self.first == self.second), "model_b", "two models"),
            "no winner": (self.winner.code < 0, "winner", EXPECTED),
            "unknown winner": (~(vote | no_vote) & (self.winner.code >= 0), "winner", EXPECTED),
        }
        if self.who is not None:
            expected = "who voted; --one-annotator NAME if all such votes are by one"
            faults["no annotator"] = (self.who.code < 0, "annotator", expected)
        usable, skipped = vote, dict(self.counted.skipped)
        for problem, (out, what, expected) in faults.items():
            number = int(self.rows[out].sum())
            if number and not self.options.skip:
                example = self.kinds[what][int(np.flatnonzero(out)[0])].as_py()
                raise BadInputError(
                    f"{problem} in {many(number, 'row')}",
                    source=self.counted.source,
                    column=self.counted.columns[what],
                    value=example,
                    expected=f"{expected}; --on-error skip leaves such rows out",
                )
            if number:
                skipped[problem] = number
                usable = usable & ~out
        return usable, skipped

    def _games(self, usable: Bools, side: Codes) -> tuple[Codes, Games, Ints | None]:
        """(n,) the kind of game of every usable kind of row, with the model first that comes first by name; the games."""
        first, second, rows = self.first[usable], self.second[usable], self.rows[usable]
        low, high, k = np.minimum(first, second), np.maximum(first, second), len(self.models)
        key, steps = low * k + high, 2 * LENGTH_STEPS + 1
        has_steps, who = "step" in self.kinds.column_names, self.who
        if has_steps:
            step = numbers_of(self.kinds["step"])[usable]
            key = key * steps + np.where(first > second, -step, step) + LENGTH_STEPS
        if who is not None:
            key = key * len(who.names) + who.code[usable]
        found, kind = np.unique(key, return_inverse=True)
        kind = kind.ravel()
        number = np.bincount(side * len(found) + kind, rows, minlength=3 * len(found))
        number = number.reshape(3, -1).astype(np.float64)
        annotator: Ints | None = None
        if who is not None:
            found, code = np.divmod(found, len(who.names))
            annotator = code.astype(np.int32)
        x: Floats | None = None
        if has_steps:
            found, step = np.divmod(found, steps)
            x = (step - LENGTH_STEPS) / (LENGTH_STEPS / 2)
        low, high = np.divmod(found, k)
        return kind, Games(low, high, number[0], number[1], number[2], k, x), annotator

    def _pairs(self, usable: Bools, cell: Codes, cells: int) -> Any:
        if "pair" not in self.kinds.column_names:
            return None
        pair, rows = _codes(self.kinds["pair"]).code[usable], self.rows[usable]
        known = pair >= 0
        if (np.bincount(pair[known], rows[known]) <= 1).all():
            return None
        from scipy.sparse import csr_matrix

        # A vote whose pair is not known is on a pair of its own.
        alone = np.repeat(cell[~known], rows[~known].astype(np.int64))
        number = int(pair.max()) + 1
        at = np.concatenate([pair[known], number + np.arange(len(alone))])
        of = np.concatenate([cell[known], alone])
        weight = np.concatenate([rows[known], np.ones(len(alone))])
        found = csr_matrix((weight, (at, of)), (number + len(alone), cells))
        return found[np.diff(found.indptr) > 0]

    def _meanings(self) -> npt.NDArray[np.str_]:
        """(n,) what each winner says: ``a``, ``b``, ``tie``, ``skip``, ``named`` for a model's name, or nothing."""
        winner, label = self.winner, dict(self.options.label)
        are_models = {winner.names[code] for code in np.unique(winner.code[(self.named >= 0) & (winner.code >= 0)])}
        found = []
        for name in winner.names:
            told = meant_by(name, label, {})
            word = meant_by(name, {}, WINNERS)
            word = told or (None if word is None else NEUTRAL.get(word, word))
            if name in are_models and told is None:
                if word in ("a", "b", "tie"):
                    raise BadInputError(
                        "could mean the column or the model of that name",
                        source=self.counted.source,
                        column=self.counted.columns["winner"],
                        value=name,
                        expected=f"{label_option(name)} (b, tie, skip) to say what it means",
                    )
                word = "named"
            found.append(NEUTRAL.get(word, word) if word else "")
        return np.array([*found, ""])[winner.code]


@dataclass(frozen=True, eq=False)
class _Coded:
    """A column of texts as numbers: (n,) ``code``, -1 where one is missing or blank, of ``names``."""

    code: Codes
    names: list[str]

    def renumbered(self, place: Mapping[str, int]) -> Codes:
        """(n,) each text's number in ``place``; -1 where it has none."""
        numbers = np.array([*(place.get(name, -1) for name in self.names), -1])
        return np.asarray(numbers[self.code])

    def with_missing(self, name: str | None) -> _Coded:
        """The same with ``name`` where one is missing; None leaves it missing."""
        if name is None or (self.code >= 0).all():
            return self
        names = self.names if name in self.names else [*self.names, name]
        return _Coded(np.where(self.code < 0, names.index(name), self.code), names)


def _codes(column: pa.ChunkedArray) -> _Coded:
    coded = column.combine_chunks().dictionary_encode()
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    texts = coded.dictionary.to_pylist()
    code = numbers_of(coded.indices, len(texts)).astype(np.int64)
    named = np.array([name is not None and bool(name.strip()) for name in texts] + [False])
    number = np.where(named, np.cumsum(named) - 1, -1)
    return _Coded(number[code], [name for name, there in zip(texts, named, strict=False) if there])
