"""One file or two, answers or comparisons -> contests, with verdicts where a column holds them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from votewise.data.contests import Contests, Verdicts
from votewise.errors import BadInputError
from votewise.evaluate.answers import answers_of, holds_answers, one_model
from votewise.evaluate.matrix import answer_pairs, comparison_pairs
from votewise.evaluate.pair_answers import pair_answers
from votewise.evaluate.read_comparisons import comparisons_of
from votewise.evaluate.verdict_column import VERDICTS, columns_of
from votewise.sources.opening import load
from votewise.sources.rows import Rows

Judgeable = tuple[Contests, Verdicts | None]
EXPECTED = "answers (prompt, answer, model) or comparisons (prompt, model_a, model_b, response_a, response_b)"


def read_two(
    first: str,
    second: str | None = None,
    *,
    model: str | None = None,
    baseline: str | None = None,
    column: str | None = None,
    verdicts: bool = True,
    skip: bool = False,
) -> Judgeable:
    """The contests between two models, from two files of answers or from one file with both.

    Args:
        first: answers of the evaluated model, or a file with both models.
        second: answers of the baseline.
        model: name of the evaluated model, where a file holds several.
        baseline: name of the model it is compared with, where a file holds several.
        column: the column with verdicts, in a file of comparisons.
        verdicts: whether verdicts are wanted from a column; of ``preference``, ``winner`` and ``label`` where none is named.
        skip: leave unusable rows out and count them.

    Returns:
        The contests, and the verdicts where a column was read.

    Raises:
        BadInputError: for what cannot be read, a name that is not there, or no prompt in common.
    """
    rows = Rows(load(first), stop=not skip)
    if second is None and columns_of(rows) is not None and not holds_answers(rows):
        compared = comparisons_of(rows, column=column, verdicts=verdicts)
        found = compared.between(*compared.choose(model, baseline))
        if verdicts and found[1] is None:
            raise no_judge(f"has no column {', '.join(VERDICTS[:-1])} or {VERDICTS[-1]}", first)
        return found
    if second is not None and columns_of(rows) is not None and not holds_answers(rows):
        raise BadInputError("holds comparisons of two models already", source=first, expected="this file alone")
    if not holds_answers(rows):
        columns = ", ".join(rows.table.column_names)
        raise rows.fail(f"holds neither answers nor comparisons; found the columns {columns}", expected=EXPECTED)
    if verdicts:
        raise no_judge("holds answers without verdicts", first)
    answers = answers_of(rows)
    if second is not None:
        others = answers_of(Rows(load(second), stop=not skip))
        return pair_answers(one_model(answers, model), one_model(others, baseline)), None
    if len(answers) == 1:
        raise BadInputError(
            f"holds answers of one model only, '{answers[0].model}'",
            source=first,
            expected="a second file to compare it with",
        )
    if model is None and baseline is None and len(answers) == 2:
        return pair_answers(*answers), None
    if model is None or baseline is None:
        names = ", ".join(each.model for each in answers)
        raise BadInputError(
            f"holds answers of {len(answers)} models: {names}", source=first, expected="--model and --baseline"
        )
    return pair_answers(one_model(answers, model), one_model(answers, baseline)), None


def read_several(
    files: Sequence[str], *, column: str | None = None, verdicts: bool = True, skip: bool = False
) -> list[Judgeable]:
    """The contests between every two models of several files of answers, or of one file of comparisons.

    Raises:
        BadInputError: for what cannot be read, one model only, a model twice, or two without a common prompt.
    """
    read = [Rows(load(file), stop=not skip) for file in files]
    if len(read) == 1 and columns_of(read[0]) is not None and not holds_answers(read[0]):
        found = comparison_pairs(comparisons_of(read[0], column=column, verdicts=verdicts))
        if verdicts and found[0][1] is None:
            raise no_judge(f"has no column {', '.join(VERDICTS[:-1])} or {VERDICTS[-1]}", files[0])
        return found
    if verdicts:
        raise no_judge("holds answers without verdicts, or comparisons among several files", files[0])
    return [(contests, None) for contests in answer_pairs(list(chain.from_iterable(answers_of(rows) for rows in read)))]


def no_judge(problem: str, source: str) -> BadInputError:
    """The error where nobody judges."""
    return BadInputError(
        f"{problem}, and there is no judge", source=source, expected="--reward-model, --llm-judge, or --column"
    )
