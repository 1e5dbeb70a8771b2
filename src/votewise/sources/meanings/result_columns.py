"""The columns of a table that hold two answers, and those that say which of them is better."""

from __future__ import annotations

import re

import pyarrow as pa

from votewise.sources.meanings.column_names import plain_name, two_answers
from votewise.sources.meanings.label_words import LABELS, label_key, word_meaning
from votewise.sources.meanings.scores_as_votes import ends_of, spells_numbers
from votewise.sources.texts.text_lists import spells_lists

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
CRITERION = re.compile(r"(\w+?)_(response|answer|output)_id")
IDS = re.compile(r".*_id_(a|b|0|1|2)")
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
LOSER = re.compile(
    r"(.*_)?(reject|rejected|worse|worst|loser|losing|lost|lose|bad|inferior|weaker|least|less|un|non|not|dis|discarded|eliminated"
    r"|dispreferred|unpreferred|disfavou?red|nonpreferred)(_.*)?"
)
"""Names of columns that name the worse answer: their votes are for the other one."""
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
    names = [f.name for f in table.schema if not pa.types.is_nested(f.type) and not names_loser(plain_name(f.name))]
    plain = {plain_name(name): name for name in names}
    found = [plain[name] for name in LABEL_NAMES if name in plain and not _spells_lists(table, plain[name])]
    found += [plain[name] for name in plain if CRITERION.fullmatch(name)]
    found += [
        own for name, own in plain.items() if SIDE.fullmatch(name) and own not in found and names_sides(table, own)
    ]
    if found:
        return found
    more = [own for name, own in plain.items() if VERDICT.fullmatch(name) and names_sides(table, own)]
    return more if len(more) == 1 else []


def names_loser(plain: str) -> bool:
    """Whether a name says that a column names the worse answer.

    >>> names_loser("worse_response_id"), names_loser("non_preferred"), names_loser("better_response_id")
    (True, True, False)
    """
    return LOSER.fullmatch(plain) is not None


def _spells_lists(table: pa.Table, name: str) -> bool:
    return spells_lists([value for value in table.column(name).slice(0, SAMPLE).to_pylist() if value])


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
        word_meaning(label_key(str(value)), known) is not None or value in [column[i] for column in columns]
        for i, value in enumerate(values)
        if isinstance(value, str | int) and value != ""
    ]
    return bool(told) and all(told)


def by_names(a: str, b: str) -> dict[str, str]:
    """What stands for which answer because of the columns' names: the names, and what tells them apart at the end."""
    ends = ends_of(a, b)
    found = {ends[0]: "a", ends[1]: "b"} if ends else {}
    return found | {plain_name(a): "a", plain_name(b): "b", a.casefold(): "a", b.casefold(): "b"}
