"""One vote per row under other names: two answers, and a column that says which of them is better.

Read this way are crowd-kit's and Toloka's tables (worker, left, right, label), PKU-SafeRLHF (response_0, response_1,
better_response_id), SHP (human_ref_A, human_ref_B, labels), LMSYS's Kaggle release (winner_model_a, winner_model_b,
winner_tie) and whatever else has these columns.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.errors import BadInputError
from votewise.sources.canonical import Canonical, from_columns, optional, said
from votewise.sources.cells import TEXT, is_text
from votewise.sources.containers.stand_in_type import is_stand_in
from votewise.sources.format import Format
from votewise.sources.meanings.column_names import plain_name, two_answers
from votewise.sources.meanings.labels import LABELS, Words, label_key, labels_of
from votewise.sources.meanings.named_sides import sides_by_models, sides_by_texts
from votewise.sources.meanings.people import people_column, read_people
from votewise.sources.meanings.scores_as_votes import ends_of, score_columns, score_labels, spells_numbers
from votewise.sources.rows import Rows
from votewise.sources.texts.messages import conversations
from votewise.sources.texts.prompt_parts import read_texts

LABEL_NAMES = (
    "label", "winner", "preference", "preferred", "choice", "vote", "verdict", "judgment", "judgement", "better",
    "better_id",
    "selected", "selection", "decision", "result", "labels", "chosen_side", "preferred_answer", "better_answer",
    "preference_strength",
)  # fmt: skip
SIDE = re.compile(
    r"(chosen|preferred|winning|winner|selected|better|best|picked|favou?red|favou?rite)"
    r"(_(model|model_name|side|option|answer|response|completion|output|index|idx|position|system|name))?"
)
"""Names of columns that may name the better side, model or answer: they are read if all their values do."""
ONE_HOT = ("winner_model_a", "winner_model_b", "winner_tie")
CRITERION = re.compile(r"(\w+?)_(response|answer|output)_id")
IDS = re.compile(r".*_id_(a|b|0|1|2)")
STRENGTH = "preference_strength"
STRENGTHS = {str(n): "a" if n < 0 else "b" if n > 0 else "tie" for n in range(-3, 4)}
"""HelpSteer2: -3 where the first response is much better, 3 where the second one is."""
VERDICT = re.compile(
    r"(?!.*(gold|truth|correct|expected|predict|control))(\w+_)?(preference|pref|choice|winner|win|label|verdict|vote|judg[e]?ment"
    r"|comparison|annotation|decision|better|best|result|response|answer)"
)
"""Names of columns that may hold the verdict: the only one all of whose values name a side is read."""
MODELS = (
    ("model_a", "model_b"), ("model_1", "model_2"), ("model_0", "model_1"), ("generator_1", "generator_2"),
    ("left_model", "right_model"), ("model_left", "model_right"), ("model_a_name", "model_b_name"),
    ("model_name_a", "model_name_b"), ("system_a", "system_b"),
)  # fmt: skip
SAMPLE = 200
NO_ANSWERS = (
    "label",
    "labels",
    "score",
    "reward",
    "rating",
    "rank",
    "winner_model",
    "model",
    "generator",
    "id",
    "is_response_safe",
)


def looks_like_two_answers(rows: Rows) -> bool:
    """Tell whether a table has two columns of answers, and one that says which is better or a score of each."""
    table, found = rows.table, answer_columns(rows.table)
    if found is None:
        return False
    return says_which_is_better(rows) or score_columns(table, *found) is not None


def says_which_is_better(rows: Rows) -> bool:
    """Tell whether a column, or three of which one is 1, may say which of two answers is better."""
    return rows.has(*ONE_HOT) or bool(label_columns(rows.table))


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
    scores = None if rows.has(*ONE_HOT) or label_columns(rows.head) else score_columns(rows.head, a, b)
    label = None if rows.has(*ONE_HOT) or scores else _chosen_label(rows)
    used = (people, label, *(scores or ()), *(models or ()), *ONE_HOT, "pair", "domain", "gold")
    taken = [name for name in used if name is not None]
    who, notes = read_people(rows, taken=(a, b))
    columns: dict[str, Any] = {"annotator": who, **optional(rows, without=(label,))}
    if models is not None:
        columns |= {
            own: rows.identifier(name, null=True) for own, name in zip(("model_a", "model_b"), models, strict=True)
        }
    turns = _turns(rows, a, b)
    columns |= turns if turns is not None else read_texts(rows, a, b, taken)
    for name, role in ((a, "response_a"), (b, "response_b"), (label, "label")):
        if name is not None:
            rows.use(name, role)
    if scores is not None:
        columns["label"] = score_labels(rows, scores)
        notes = (*notes, f"The higher score is the vote, by the columns '{scores[0]}' and '{scores[1]}'.")
    elif label is None:
        columns["label"] = _one_hot(rows)
    else:
        columns["label"] = _labels(rows, label, (a, b), columns)
    by = f", by the column '{rows.source_column(label)}'" if label else ""
    about = f"Votes are about {a} (a) against {b} (b){by}."
    return from_columns(rows, columns, shown=True, notes=(*notes, about))


def answer_columns(table: pa.Table) -> tuple[str, str] | None:
    """The two columns that hold the answers; None where no two do."""
    names = [
        name
        for name in table.column_names
        if not any(plain_name(name).startswith(word) for word in NO_ANSWERS)
        and not CRITERION.fullmatch(plain_name(name))
        and not IDS.fullmatch(plain_name(name))
    ]
    if {"response_a", "response_b"} <= set(names):
        return "response_a", "response_b"
    texts = [name for name in names if _may_be_text(table, name)]
    # A CSV has no types: where several couples have such names, numbers are no answers.
    return two_answers(texts) or two_answers([name for name in texts if not spells_numbers(table, name)])


def _may_be_text(table: pa.Table, name: str) -> bool:
    kind = table.schema.field(name).type
    if pa.types.is_struct(kind):
        # One message: {role, content} or {from, value}.
        keys = {kind.field(i).name for i in range(kind.num_fields)}
        return {"role", "content"} <= keys or {"from", "value"} <= keys
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_list(kind)
        or pa.types.is_large_list(kind)
    )


def label_columns(table: pa.Table) -> list[str]:
    """The columns that may say which answer is better."""
    names = [field.name for field in table.schema if not pa.types.is_nested(field.type)]
    plain = {plain_name(name): name for name in names}
    found = [plain[name] for name in LABEL_NAMES if name in plain]
    found += [plain[name] for name in plain if CRITERION.fullmatch(name)]
    found += [
        own for name, own in plain.items() if SIDE.fullmatch(name) and own not in found and names_sides(table, own)
    ]
    if found:
        return found
    more = [own for name, own in plain.items() if VERDICT.fullmatch(name) and names_sides(table, own)]
    return more if len(more) == 1 else []


def names_sides(table: pa.Table, name: str) -> bool:
    """Whether a column names one of two answers, by side, model or text, in each of the first rows with a value."""
    answers = answer_columns(table)
    if answers is None or name in answers:
        return False
    known = LABELS | by_names(*answers)
    models = next((pair for pair in MODELS if set(pair) <= set(table.column_names)), ())
    columns = [table.column(own).slice(0, SAMPLE).to_pylist() for own in (*answers, *models)]
    values = table.column(name).slice(0, SAMPLE).to_pylist()
    told = [
        label_key(str(value)) in known or value in [column[i] for column in columns]
        for i, value in enumerate(values)
        if isinstance(value, str | int) and value != ""
    ]
    return bool(told) and all(told)


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
    values = rows.identifier(label)
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


def by_names(a: str, b: str) -> dict[str, str]:
    """What stands for which answer because of the columns' names: the names, and what tells them apart at the end."""
    ends = ends_of(a, b)
    found = {ends[0]: "a", ends[1]: "b"} if ends else {}
    return found | {plain_name(a): "a", plain_name(b): "b", a.casefold(): "a", b.casefold(): "b"}


def _one_hot(rows: Rows) -> pa.ChunkedArray:
    """Three columns of which one is 1."""
    given = np.stack([rows.number(name) for name in ONE_HOT])
    wrong = (np.nansum(given, axis=0) != 1) | (np.nanmax(np.nan_to_num(given), axis=0) != 1)
    rows.reject_where(
        wrong, "not exactly one of the three is 1", column=ONE_HOT[0], expected="1 for the winner, 0 for the others"
    )
    return pa.chunked_array([pa.array(["a", "b", "tie"], TEXT).take(pa.array(np.argmax(np.nan_to_num(given), axis=0)))])


def _turns(rows: Rows, a: str, b: str) -> dict[str, Any] | None:
    """Conversations of several turns whose questions and answers are lists of texts in three columns; None otherwise."""
    if not rows.has("prompt") or any(is_stand_in(rows.table.schema.field(name)) for name in ("prompt", a, b)):
        # Of a column with stand-ins, most texts are no lists.
        return None
    columns = [[_texts(value) for value in rows.table.column(name).to_pylist()] for name in ("prompt", a, b)]
    spelt = [[_spells_list(value) for value in rows.table.column(name).to_pylist()] for name in ("prompt", a, b)]
    if not columns[0] or not all(any(column) for column in columns) or any(sum(c) <= len(rows) / 2 for c in spelt):
        return None
    for name, column in zip(("prompt", a, b), columns, strict=True):
        wrong = np.array([value is None for value in column])
        expected = "a list of texts, as in the other rows"
        rows.reject_where(wrong, "is not a list of texts, or holds half a character", column=name, expected=expected)
    columns = [[value or [""] for value in column] for column in columns]
    for name, role in (("prompt", "prompt"), (a, "response_a"), (b, "response_b")):
        rows.use(name, role)
    split: list[tuple[Any, Any, Any]] = []
    for asked, first, second in zip(*columns, strict=True):
        shared = 0
        while shared < min(len(asked), len(first), len(second)) - 1 and first[shared] == second[shared]:
            shared += 1
        prompt = [m for q, r in zip(asked[:shared], first[:shared], strict=True) for m in (*said(q, "user"), *said(r))]
        prompt += said(asked[shared], "user") if shared < len(asked) else []
        split.append((prompt, _rest(asked, first, shared), _rest(asked, second, shared)))
    return conversations(split)


def _spells_list(value: Any) -> bool:
    return isinstance(value, list) or (
        isinstance(value, str) and value.strip()[:1] == "[" and value.strip()[-1:] == "]"
    )


def _rest(asked: list[str], answers: list[str], start: int) -> list[dict[str, str]]:
    """One model's answer from a turn on, with the questions in between."""
    found = said(answers[start]) if start < len(answers) else []
    for question, answer in zip(asked[start + 1 :], answers[start + 1 :], strict=False):
        found += [*said(question, "user"), *said(answer)]
    return found


def _texts(value: Any) -> list[str] | None:
    """A list of texts, or the JSON text of one; null entries are empty texts."""
    if isinstance(value, str):
        if not value.lstrip().startswith("["):
            return None
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    if not isinstance(value, list) or not value or not all(item is None or is_text(item) for item in value):
        return None
    return [item or "" for item in value]


TWO_ANSWERS = Format(
    "two-answers",
    "one vote per row under other names: two answers and a column that says which is better",
    (("*",),),
    read_two_answers,
    looks=looks_like_two_answers,
    general=True,
    leaves_texts=True,
)
