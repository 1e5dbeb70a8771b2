"""One file or two, with answers or comparisons -> contests, with verdicts if a column has them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, combinations
from typing import Any

from votewise.data.contests import Contests, Verdicts
from votewise.errors import BadInputError
from votewise.evaluate.answers import Answers, answers_of, holds_answers, one_model
from votewise.evaluate.comparison_rows import ComparisonRows
from votewise.evaluate.judges import ColumnJudge
from votewise.evaluate.pair_answers import pair_answers
from votewise.evaluate.read_comparisons import ANY_COLUMN, comparisons_of
from votewise.evaluate.verdict_column import VERDICTS, columns_of
from votewise.sources.reader import SourceReader
from votewise.sources.rows import Rows

ReadContests = tuple[Contests, Verdicts | None]
"""Contests, and the verdicts if they were read from a column."""

EXPECTED = "answers (prompt, answer, model) or comparisons (prompt, model_a, model_b, response_a, response_b)"


def read_two(
    first: Any,
    second: Any = None,
    *,
    model: str | None = None,
    baseline: str | None = None,
    column: ColumnJudge | None = ANY_COLUMN,
    reader: SourceReader | None = None,
) -> ReadContests:
    """The contests between two models, from two files of answers or from one file with both models.

    Args:
        first: answers of the evaluated model, or a file with both models.
        second: answers of the baseline.
        model: name of the evaluated model; needed if a file holds several.
        baseline: name of the model that it is compared with; needed if a file holds several.
        column: the column with the verdicts, in a file of comparisons; None if another judge decides.
        reader: opens the files as the user's options say; None for no options.

    Raises:
        BadInputError: a file cannot be read, a name does not occur, there is no judge, or no prompt in common.
    """
    rows, *more = (reader or SourceReader()).open_all([first] if second is None else [first, second])
    if _holds_comparisons(rows):
        if second is not None:
            raise BadInputError("already compares two models", source=rows.source.name, expected="this file alone")
        compared = comparisons_of(rows, column)
        _check_verdicts(compared, column)
        return compared.between(*compared.choose(model, baseline))
    if not holds_answers(rows):
        columns = ", ".join(rows.table.column_names)
        raise rows.fail(f"holds neither answers nor comparisons; found the columns {columns}", expected=EXPECTED)
    if column is not None:
        raise _no_judge("holds answers without verdicts", rows.source.name)
    answers = answers_of(rows)
    if second is None:
        return pair_answers(*_two_models(answers, model, baseline)), None
    others = answers_of(more[0])
    return pair_answers(one_model(answers, model), one_model(others, baseline)), None


def read_several(
    files: Sequence[Any], *, column: ColumnJudge | None = ANY_COLUMN, reader: SourceReader | None = None
) -> list[ReadContests]:
    """The contests of every matchup in several files of answers, or in one file of comparisons.

    Raises:
        BadInputError: a file cannot be read, there is one model only, a model occurs twice, two models have no prompt in
            common, or there is no judge.
    """
    read = (reader or SourceReader()).open_all(files)
    if len(read) == 1 and _holds_comparisons(read[0]):
        compared = comparisons_of(read[0], column)
        _check_verdicts(compared, column)
        return [compared.between(a, b) for a, b in combinations(compared.models, 2) if b in compared.opponents(a)]
    if column is not None:
        raise _no_judge("holds answers without verdicts, or is one of several files", read[0].source.name)
    each = list(chain.from_iterable(answers_of(rows) for rows in read))
    return [(contests, None) for contests in answer_pairs(each)]


def answer_pairs(each: Sequence[Answers]) -> list[Contests]:
    """The contests of every pair of several models.

    Raises:
        BadInputError: fewer than two models, a model that occurs twice, or two models without a common prompt.
    """
    if len(each) < 2:
        raise BadInputError(f"there are answers of {len(each)} model", expected="two or more")
    seen: dict[str, str] = {}
    for answers in each:
        if answers.model in seen:
            raise BadInputError(
                f"model '{answers.model}' is also in {seen[answers.model]}",
                source=answers.source,
                expected="each model once",
            )
        seen[answers.model] = answers.source
    return [pair_answers(a, b) for a, b in combinations(each, 2)]


def _holds_comparisons(rows: Rows) -> bool:
    return columns_of(rows) is not None and not holds_answers(rows)


def _check_verdicts(compared: ComparisonRows, column: ColumnJudge | None) -> None:
    if column is not None and compared.preference is None:
        raise _no_judge(f"has no column {', '.join(VERDICTS[:-1])} or {VERDICTS[-1]}", compared.source)


def _two_models(found: Sequence[Answers], model: str | None, baseline: str | None) -> tuple[Answers, Answers]:
    """The two models of one file of answers: the named ones, or the only two."""
    source = found[0].source
    if len(found) == 1:
        raise BadInputError(
            f"holds answers of one model only, '{found[0].model}'",
            source=source,
            expected="a second file to compare it with",
        )
    if model is None and baseline is None and len(found) == 2:
        return found[0], found[1]
    if model is None or baseline is None:
        names = ", ".join(each.model for each in found)
        raise BadInputError(
            f"is needed: {source} holds answers of {len(found)} models",
            parameter="model" if model is None else "baseline",
            expected=f"one of: {names}",
        )
    return one_model(found, model), one_model(found, baseline)


def _no_judge(problem: str, source: str) -> BadInputError:
    return BadInputError(
        f"{problem}, and no judge is given", source=source, expected="a reward model, a language model or a column"
    )
