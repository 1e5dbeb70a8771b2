"""One vote per row under other names: two answers, and a column that says which of them is better.

Read this way are crowd-kit's and Toloka's tables (worker, left, right, label), PKU-SafeRLHF (response_0, response_1,
better_response_id), SHP (human_ref_A, human_ref_B, labels), LMSYS's Kaggle release (winner_model_a, winner_model_b,
winner_tie) and whatever else has these columns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from votewise.errors import BadInputError
from votewise.sources.answer_lists.rank_columns import find_ranked_columns
from votewise.sources.canonical import Canonical, from_columns, optional
from votewise.sources.format import Format
from votewise.sources.meanings.column_names import answer_fields, plain_name
from votewise.sources.meanings.label_words import LABELS, label_key
from votewise.sources.meanings.labels import Words, labels_of
from votewise.sources.meanings.named_sides import sides_by_models, sides_by_texts
from votewise.sources.meanings.one_hot import one_hot_columns, one_hot_labels
from votewise.sources.meanings.people import people_column, read_people
from votewise.sources.meanings.result_columns import CRITERION, MODELS, answer_columns, by_names, label_columns
from votewise.sources.meanings.scores_as_votes import score_columns, score_labels
from votewise.sources.rows import Rows
from votewise.sources.texts.prompt_parts import read_texts
from votewise.sources.texts.turn_lists import read_turns

STRENGTH = "preference_strength"
STRENGTHS = {str(n): "a" if n < 0 else "b" if n > 0 else "tie" for n in range(-3, 4)}
"""HelpSteer2: -3 where the first response is much better, 3 where the second one is."""


def looks_like_two_answers(rows: Rows) -> bool:
    """Tell whether a table has two columns of answers, and one that says which is better or a score of each."""
    table, found = rows.table, answer_columns(rows.table)
    if found is None:
        return False
    more = find_ranked_columns(rows)
    if more is not None and more.order is not None and more.is_plain:
        return False
    if says_which_is_better(rows):
        return True
    return score_columns(table, *found) is not None and len(answer_fields(table.column_names, found)) == len(found)


def says_which_is_better(rows: Rows) -> bool:
    """Tell whether a column, or three of which one is 1, may say which of two answers is better."""
    return bool(one_hot_columns(rows.table) or label_columns(rows.table))


def read_two_answers(rows: Rows) -> Canonical:
    """Read one vote per row; the first of the two answers is response_a.

    What a value of the label means follows from ``--label``, from our own words (a, left, tie, ...), from the answers'
    names (0 and 1 where the columns end in 0 and 1), from the models' names or from an answer's own text.
    """
    found = answer_columns(rows.head)
    if found is None:
        raise rows.fail(
            "no two columns hold the answers", expected="say --columns response_a=NAME --columns response_b=NAME"
        )
    a, b = found
    people = people_column(rows, taken=(a, b))
    models = next((pair for pair in MODELS if rows.has(*pair)), None)
    one_hot = one_hot_columns(rows.table)
    if one_hot and not plain_name(one_hot[0]).startswith("winner") and label_columns(rows.head):
        one_hot = ()
    scores = None if one_hot or label_columns(rows.head) else score_columns(rows.head, a, b)
    label = None if one_hot or scores else _chosen_label(rows)
    used = (people, label, *(scores or ()), *(models or ()), *one_hot, "pair", "domain", "gold")
    taken = [name for name in used if name is not None]
    who, notes = read_people(rows, taken=(a, b))
    columns: dict[str, Any] = {"annotator": who, **optional(rows, without=(label,))}
    if models is not None:
        columns |= {
            own: rows.identifier(name, null=True) for own, name in zip(("model_a", "model_b"), models, strict=True)
        }
    turns = read_turns(rows, a, b)
    columns |= turns if turns is not None else read_texts(rows, a, b, taken)
    for name, role in ((a, "response_a"), (b, "response_b"), (label, "label")):
        if name is not None:
            rows.use(name, role)
    if scores is not None:
        columns["label"] = score_labels(rows, scores)
        notes = (*notes, f"The higher score is the vote, by the columns '{scores[0]}' and '{scores[1]}'.")
    elif label is None:
        columns["label"] = one_hot_labels(rows, one_hot)
    else:
        columns["label"] = _labels(rows, label, (a, b), columns)
    by = f", by the column '{rows.source_column(label)}'" if label else ""
    about = f"Votes are about {rows.source_column(a)} (a) against {rows.source_column(b)} (b){by}."
    return from_columns(rows, columns, shown=True, notes=(*notes, about))


def _chosen_label(rows: Rows) -> str:
    """The column that says which answer is better; of several criteria the one asked for, or ``better``."""
    found = label_columns(rows.head)
    if not found:
        raise rows.fail("no column says which answer is better", expected="say --columns label=NAME")
    criteria = {match[1]: name for name in found if (match := CRITERION.fullmatch(plain_name(name)))}
    if rows.criterion is not None and criteria:
        if rows.criterion not in criteria:
            raise BadInputError(
                "unknown criterion", parameter="criterion", value=rows.criterion, expected=", ".join(sorted(criteria))
            )
        rows.criterion_used = True
        return criteria[rows.criterion]
    return next((name for name in found if name not in criteria.values()), None) or criteria.get("better") or found[0]


def _labels(rows: Rows, label: str, names: tuple[str, str], columns: dict[str, Any]) -> pa.ChunkedArray:
    values = rows.labels_in(label)
    if plain_name(label) == "labels" and all(plain_name(name).startswith("human_ref") for name in names):
        # SHP: 1 where the first comment is preferred.
        return labels_of(rows, values, label, Words(LABELS | {"1": "a", "0": "b"}, "1 or 0"))
    known = LABELS | by_names(*names)
    known = known | {label_key(rows.source_column(name)): side for name, side in zip(names, "ab", strict=True)}
    if plain_name(label) == STRENGTH:
        return labels_of(rows, values, label, Words(known | STRENGTHS, "a whole number from -3 to 3"))
    sides = np.zeros(len(rows), np.int8)
    if "model_a" in columns:
        sides = sides_by_models(rows, values, label, (columns["model_a"], columns["model_b"]), known)
    if not CRITERION.fullmatch(plain_name(label)):
        # Ids are never texts: 0 is the first answer, also where an answer is "0".
        by_text = sides_by_texts(rows, values, label, (columns["response_a"], columns["response_b"]), known)
        both = np.flatnonzero(sides * by_text < 0)
        if len(both):
            raise rows.fail(
                f"names one model and is the text of the other's answer (row {rows.source.number(int(both[0])):,})",
                column=label,
                expected="--label, which says what each value means",
            )
        sides = np.where(sides == 0, by_text, sides)
    expected = f"a for {names[0]}, b for {names[1]}, tie, or one of the answers' texts"
    return labels_of(rows, values, label, Words(known, expected), sides=sides)


TWO_ANSWERS = Format(
    "two-answers",
    "one vote per row under other names: two answers and a column that says which is better",
    (("*",),),
    read_two_answers,
    looks=looks_like_two_answers,
    general=True,
    leaves_texts=True,
)
