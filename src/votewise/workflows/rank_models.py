"""Votes between several models -> their ranking: ``votewise rank``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from votewise.defaults import LEVEL
from votewise.errors import BadInputError
from votewise.workflows.progress import SILENT, Progress

if TYPE_CHECKING:
    import os

    from votewise.data.model_ranking import Ranking

RANKED_FILES = ("ranking.html", "ranking.csv", "ranking.json", "annotators.parquet")


@dataclass(frozen=True, eq=False)
class RankResult:
    """A ranking, and what was written: ``files``, the most interesting first; empty without ``out``."""

    ranking: Ranking
    files: tuple[Path, ...] = ()

    @property
    def summary(self) -> dict[str, Any]:
        """Everything as JSON values, as in ``ranking.json``."""
        from votewise.evaluate.ranking_files import ranking_figures

        return ranking_figures(self.ranking)


def rank_models(
    votes: Any,
    *,
    out: str | os.PathLike[str] | None = None,
    annotator: str | None = None,
    ties: Literal["half", "davidson"] = "half",
    length_controlled: bool = False,
    intervals: Literal["sandwich", "bootstrap"] = "sandwich",
    level: float = LEVEL,
    columns: Mapping[str, str] | None = None,
    label: Mapping[str, str] | None = None,
    criterion: str | None = None,
    split: str | None = None,
    one_annotator: str | None = None,
    on_error: Literal["stop", "skip"] = "stop",
    report: bool = True,
    progress: Progress | None = None,
) -> RankResult:
    """Rank models by votes on their answers.

    Args:
        votes: votes with columns ``model_a``, ``model_b`` and ``winner``: a file, a folder of Parquet files, a table's URL,
            an ibis table or a table in memory. They are counted where they are stored.
        out: folder for ranking.html, ranking.csv, ranking.json and, with ``annotator``, annotators.parquet. None writes
            nothing.
        annotator: the column that says who voted; votes are then weighted by what is believed of each annotator, found
            together with the ranking. None believes every vote.
        ties: ``half`` counts a tie as half a win of each, ``davidson`` gives ties a probability of their own.
        length_controlled: rank by what the votes would be if both answers were equally long; needs the texts, in columns
            ``response_a`` and ``response_b``.
        intervals: ``sandwich``, valid also where the model is not quite right, or ``bootstrap`` over pairs. Votes are on one
            pair where the column ``pair``, ``pair_id`` or ``prompt_id`` says so, or the one named by ``columns``; the
            bootstrap takes votes on the same texts to be on one pair where no column says so. Else every vote is on a pair
            of its own. Both let votes on one pair depend on one another.
        level: probability that an interval contains the truth.
        columns: our name of a column -> the name it has in the votes: ``model_a``, ``model_b``, ``winner``, ``annotator``,
            ``pair``, ``status``, ``response_a``, ``response_b``. An empty name says that a column has no role.
        label: what values of ``winner`` mean, ``{"left": "a"}``.
        criterion: which question counts, where several were asked.
        split: which split of a data set to read.
        one_annotator: says that votes without a name in the column of annotators are all by this one person or model.
        on_error: ``stop`` at rows that cannot be used, or ``skip`` and count them.
        report: whether to write ranking.html.
        progress: is kept informed of how far the work has come.

    Raises:
        BadInputError: votes that cannot be read, settings out of range, or models that cannot be compared.
    """
    from votewise.evaluate.battle_rows import BattleOptions, named_columns
    from votewise.evaluate.ranking import rank
    from votewise.evaluate.ranking_fit import RankingOptions
    from votewise.evaluate.tally import count_games
    from votewise.sources.meanings.label_words import parse_labels
    from votewise.storage.files import folder_to_write
    from votewise.storage.free_folders import check_folder_is_free

    progress = progress or SILENT
    options = RankingOptions(ties=ties, intervals=intervals, level=level)
    folder = folder_to_write(out)
    check_folder_is_free(folder, marks=["ranking.json"], names=RANKED_FILES, command="rank")
    named, status, set_aside = named_columns(annotator, columns, by_length=length_controlled)
    reading = BattleOptions(
        label=parse_labels(label),
        criterion=criterion,
        split=split,
        one_annotator=one_annotator,
        by_length=length_controlled,
        same_texts=intervals == "bootstrap",
        skip=on_error == "skip",
        set_aside=set_aside,
        status=status,
    )
    if one_annotator is not None and "annotator" not in named:
        raise BadInputError(
            "needs a column of annotators: without one every vote is believed, whoever cast it",
            parameter="one_annotator",
            value=one_annotator,
            expected="--annotator COLUMN beside it",
        )
    progress.stage("Counting votes")
    tally = count_games(votes, named, reading)
    progress.stage("Ranking models")
    ranking = rank(tally, options)
    if folder is None:
        return RankResult(ranking)
    from datetime import UTC, datetime

    from votewise.evaluate.ranking_files import write_ranking

    progress.stage(f"Writing {folder}")
    files = write_ranking(folder, ranking, report=report, created=datetime.now(UTC))
    return RankResult(ranking, tuple(files))
