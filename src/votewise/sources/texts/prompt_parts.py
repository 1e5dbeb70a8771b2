"""What a model is asked, in whatever columns a source keeps it: system text, history, instruction, input and prompt.

All of it is the prompt, in that order. Tools, chat-template arguments and pictures are part of what a model sees too:
they tell pairs apart without being text.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from votewise.data.identity import ALSO
from votewise.sources.canonical import said
from votewise.sources.cells import TEXT, is_text
from votewise.sources.containers.stand_in_type import is_in_files, is_stand_in
from votewise.sources.meanings.column_names import (
    DOCUMENTS,
    HISTORY,
    INPUT,
    NO_ANSWERS,
    PROMPT,
    SEEN,
    SYSTEM,
    WHOLE,
    plain_name,
    prefix_of,
)
from votewise.sources.option_words import column_option
from votewise.sources.rows import Rows
from votewise.sources.rows_part import staged_in_parts
from votewise.sources.texts.messages import (
    ASKING,
    FIRST,
    Message,
    answers,
    conversation,
    conversations,
    holds_lists,
    without_nulls,
)
from votewise.sources.texts.prompt_objects import as_object, holds_objects, object_prompt
from votewise.sources.texts.prompt_values import texts_of_part
from votewise.sources.texts.text_conversations import parsed_object
from votewise.sources.values import decoded

OBJECTS = ("info", "task", "inputs", "source_document")
"""Columns that hold the prompt where their objects do and no other column has it."""


@dataclass(frozen=True)
class Parts:
    """The columns that hold parts of the prompt, by the source's names, each in the order in which it is read."""

    system: str | None = None
    history: tuple[str, ...] = ()
    prompt: str | None = None
    input: str | None = None
    seen: tuple[str, ...] = ()
    ended: str | None = None
    """The history whose last message is the answer, which is no part of the prompt."""

    @property
    def columns(self) -> tuple[str, ...]:
        """All of them."""
        one = [name for name in (self.system, self.prompt, self.input) if name is not None]
        return (*one, *self.history, *self.seen)


def find_parts(rows: Rows, taken: Collection[str], answers: Collection[str] = ()) -> Parts:
    """Find the parts of the prompt among the columns that are not ``taken``.

    Columns that are null throughout, and conversations that end with one of the ``answers``, are no part of it.
    """
    rows.takes_parts = True
    free = {plain_name(name): name for name in rows.table.column_names if name not in taken and _holds_any(rows, name)}
    prefix = prefix_of(*answers) if len(answers) == 2 else ""
    if prefix:
        # orig_instruction is the prompt of orig_response_a, whatever instruction is.
        free |= {name.removeprefix(prefix): own for name, own in free.items() if name.startswith(prefix)}

    def first(names: Sequence[str]) -> str | None:
        return next((free[name] for name in names if name in free), None)

    prompt, input_ = first(PROMPT), first(INPUT)
    if prompt is None:
        prompt, input_ = input_, None
    history, ended = [], None
    for name in (free[name] for name in HISTORY if name in free):
        if _holds_answers(rows, name, answers):
            rows.use(name, "conversation with an answer")
            ended = ended or name
        else:
            history.append(name)
    if prompt is None and len(history) == 1 and (not _lists(rows, history[0]) or holds_objects(rows, history[0])):
        # A text or an object that stands alone is the prompt, whatever it is called.
        prompt, history = history[0], []
    asked = prompt if prompt is not None and plain_name(prompt) not in DOCUMENTS else None
    if asked is not None and not _lists(rows, asked):
        history += [free[name] for name in DOCUMENTS if name in free and not _lists(rows, free[name])]
    if prompt is None and not history:
        objects = (free[name] for name in OBJECTS if name in free and holds_objects(rows, free[name]))
        prompt = next(objects, None)
    seen = tuple(free[name] for name in SEEN if name in free)
    if prompt is None and not history and ended is not None and not _hold_questions(rows, answers):
        # Nothing else has the prompt: it is what was said before the answer.
        return Parts(first(SYSTEM), (ended,), None, input_, seen, ended)
    return Parts(first(SYSTEM), tuple(history), prompt, input_, seen)


def read_texts(rows: Rows, a: str, b: str, taken: Collection[str] = ()) -> dict[str, Any]:
    """Take prompt and responses, the prompt from all the columns that hold a part of it.

    Args:
        rows: the source's rows.
        a: column of the first response.
        b: column of the second one.
        taken: columns that have another role.
    """
    parts = find_parts(rows, {a, b, *taken}, (a, b))
    use_parts(rows, parts)
    if not _looked_into(rows, parts, (a, b)):
        return _texts_and_more(rows, parts, a, b)
    # What the columns hold is decided by all rows, before some are read at a time.
    for name in (a, b, *([parts.prompt] if parts.prompt is not None and _is_asked_alone(rows, parts) else [])):
        holds_lists(rows, name)
    used = dict.fromkeys((*parts.columns, a, b))
    return staged_in_parts(rows, used, lambda part: _texts_and_more(part, parts, a, b))


def use_parts(rows: Rows, parts: Parts) -> None:
    """Note as what the columns of the prompt are used, and say so where there are several."""
    for name in parts.columns:
        rows.use(name, "prompt" if name == parts.prompt else f"prompt ({plain_name(name)})")
    text_columns = [name for name in parts.columns if name not in parts.seen]
    if len(text_columns) > 1:
        listed = ", ".join(f"'{rows.source_column(name)}'" for name in text_columns)
        rows.notes.append(f"The prompt is made of the columns {listed}; --columns NAME= leaves one out.")


def _looked_into(rows: Rows, parts: Parts, answers: Collection[str]) -> bool:
    """Whether the values of columns in files are needed, not only which of their texts are equal."""
    left = [name for name in (*parts.columns, *answers) if is_in_files(rows.table.schema.field(name))]
    alone = tuple(parts.columns) in ((), (parts.prompt,))
    return bool(left) and not (alone and all(is_stand_in(rows.table.schema.field(name)) for name in left))


def _texts_and_more(rows: Rows, parts: Parts, a: str, b: str) -> dict[str, Any]:
    found = _texts(rows, parts, a, b)
    seen = seen_of(rows, parts)
    if seen is not None:
        found[ALSO] = pa.array(seen, TEXT)
    return found


def has_prompt(rows: Rows, taken: Collection[str], answers: Collection[str]) -> bool:
    """Whether some column holds a part of the prompt."""
    parts = find_parts(rows, taken, answers)
    return bool(parts.prompt or parts.history or parts.system)


def _texts(rows: Rows, parts: Parts, a: str, b: str) -> dict[str, Any]:
    if _is_asked_alone(rows, parts):
        return answers(rows, parts.prompt, a, b)
    if parts.prompt is None and parts.system is None and not parts.history:
        return answers(rows, None, a, b)
    prompts = prompts_of(rows, parts)
    given = answers(rows, None, a, b)
    one, other = (given[name].to_pylist() for name in ("response_a", "response_b"))
    texts = all(isinstance(value, str | None) for column in (prompts, one, other) for value in column)
    if texts:
        return {"prompt": pa.array(prompts, TEXT), "response_a": given["response_a"], "response_b": given["response_b"]}
    before = given["prompt"].to_pylist() if "prompt" in given else [None] * len(rows)
    return conversations(
        [
            (joined(_said(prompt, "user"), shared), _said(x), _said(y))
            for prompt, shared, x, y in zip(prompts, before, one, other, strict=True)
        ]
    )


def _is_asked_alone(rows: Rows, parts: Parts) -> bool:
    """Whether one column is the whole prompt, and says it without objects."""
    alone = parts.system is None and not parts.history and parts.input is None
    return parts.prompt is not None and alone and not holds_objects(rows, parts.prompt)


def joined(asked: Any, shared: Any) -> Any:
    """The prompt of the columns and what both responses start with, which may repeat it or continue it."""
    if not asked or not shared:
        return asked or shared
    if shared[: len(asked)] == asked:
        return shared
    return asked if asked[-len(shared) :] == shared else asked + shared


def _said(value: Any, role: str = "assistant") -> Any:
    return said(value, role) if isinstance(value, str) else value


def prompts_of(rows: Rows, parts: Parts) -> list[Any]:
    """One prompt a row: a text where nothing but texts of one turn is there, else a conversation."""
    system = texts_of_part(rows, parts.system)
    histories = [_column(rows, name) for name in parts.history]
    asked, inputs = _asked(rows, parts.prompt), texts_of_part(rows, parts.input)
    found: list[Any] = []
    for i in range(len(rows)):
        texts: list[str] = []
        turns: list[Message] = []
        for name, history in zip(parts.history, histories, strict=True):
            value = history[i]
            if isinstance(value, str) and conversation(value) is None:
                texts.append(value)
            elif value:
                said_before = _turns(value)
                if said_before is None:
                    rows.reject(i, "is not a conversation", column=name, value=value, expected="a list of messages")
                turns += (said_before or [])[: -1 if name == parts.ended else None]
        last = asked[i]
        turns_after: list[Message] = []
        if isinstance(last, str):
            texts.append(last)
        elif last is not None and parts.prompt is not None:
            found_after = conversation(last)
            if found_after is None and last != []:
                rows.reject(i, "is not a prompt", column=parts.prompt, value=last, expected="a text or messages")
            turns_after = found_after or []
        after = inputs[i] or ""
        if after.strip():
            texts.append(after)
        text = "\n\n".join(_not_repeated(texts))
        before = system[i]
        whole = [*(said(before, "system") if before else ()), *turns]
        whole += [*(said(text, "user") if text else ()), *turns_after]
        plain = not turns and not turns_after and not before
        found.append(text if plain else whole or None)
    if any(isinstance(value, list) for value in found):
        # Without a column of questions nothing was asked in these columns, not an empty question.
        silent = parts.prompt is None and parts.input is None
        found = [None if silent and value == "" else _said(value, "user") for value in found]
    return found


def _not_repeated(texts: list[str]) -> list[str]:
    """The texts without empty ones and without those that another one holds, such as a post in a prompt made of it."""
    found = list(dict.fromkeys(text for text in texts if text))
    return [t for t in found if len(t) < WHOLE or not any(t in other for other in found if other != t)]


def _turns(value: Any) -> list[Message] | None:
    """A history as messages: a conversation, pairs of question and answer, or texts said in turn."""
    messages = conversation(value)
    if messages is not None or not isinstance(value, list):
        return messages
    if value and all(isinstance(item, dict) and {"input", "output"} <= set(item) for item in value):
        value = [[item["input"], item["output"]] for item in value]
    if all(isinstance(item, list) and len(item) == 2 for item in value):
        value = [text for item in value for text in item]
    if not all(is_text(text) for text in value):
        return None
    return [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(value)]


def _asked(rows: Rows, name: str | None) -> Sequence[Any]:
    """The column of the prompt, with objects turned into what they ask."""
    if name is None or not holds_objects(rows, name):
        return _column(rows, name)
    found = []
    for i, value in enumerate(rows.values(name)):
        item = as_object(value)
        told = None if item is None else object_prompt(item)
        if told is not None and told.open:
            rows.reject(
                i,
                f"holds the text '{told.open[0]}', and it is open whether a model sees it",
                column=name,
                value=value,
                expected="the prompt in columns of its own",
            )
        found.append(value if told is None else told.prompt)
    return found


def seen_of(rows: Rows, parts: Parts) -> list[str | None] | None:
    """What a model sees beside the texts, as JSON, null where there is nothing; None where no row has anything."""
    objects = parts.prompt is not None and holds_objects(rows, parts.prompt)
    if not parts.seen and not objects:
        return None
    columns = {name: _column(rows, name) for name in parts.seen}
    values_asked = _column(rows, parts.prompt) if objects else []
    asked = [as_object(value) for value in values_asked]
    spelt = [isinstance(value, str) for value in values_asked]
    found = []
    for i in range(len(rows)):
        values = {name: without_nulls(column[i]) for name, column in columns.items() if column[i] not in (None, [], "")}
        more = values.pop(ALSO, None)
        values |= parsed_object(str(more)) or ({ALSO: more} if more else {})
        if objects and (item := asked[i]) is not None:
            told = object_prompt(item)
            # Of an object in a text, a model may see the whole text.
            values |= told.seen | (told.rest if spelt[i] else {})
        found.append(json.dumps(values, sort_keys=True, ensure_ascii=False, default=str) if values else None)
    return found if parts.seen or any(found) else None


def _column(rows: Rows, name: str | None) -> Sequence[Any]:
    return [None] * len(rows) if name is None else rows.values(name)


def _holds_any(rows: Rows, name: str) -> bool:
    column = rows.table.column(name)
    return bool(column.null_count < len(column))


def _lists(rows: Rows, name: str) -> bool:
    return holds_lists(rows, name)


def _hold_questions(rows: Rows, answers: Collection[str]) -> bool:
    """Whether the answers of the first rows are whole conversations, with what was asked."""
    values = (value for name in answers for value in decoded(rows.head.slice(0, FIRST), name) if value)
    return any(message["role"] in ASKING for value in values for message in conversation(value) or ())


def _holds_answers(rows: Rows, name: str, answers: Collection[str]) -> bool:
    """Whether a conversation ends with one of the answers in all rows, as ``messages`` in UltraFeedback does.

    Raises:
        BadInputError: it does in some rows only, so that it may be a history as well.
    """
    if plain_name(name) in NO_ANSWERS or not answers or is_stand_in(rows.table.schema.field(name)):
        return False
    key = ("answers", rows.source_column(name))
    if key not in rows.decisions:
        rows.decisions[key] = _ends_with_answers(rows, name, answers)
    return rows.decisions[key]


def _ends_with_answers(rows: Rows, name: str, answers: Collection[str]) -> bool:
    columns = [rows.peek(answer) for answer in answers]
    some, ends = [], []
    for i, (value, *said_there) in enumerate(zip(rows.peek(name), *columns, strict=True)):
        words = _last_words(value)
        if words is not None:
            some.append(i)
        ends.append(words is not None and words in [_last_words(other, text=True) for other in said_there])
    if not some:
        return False
    if not any(ends) or all(ends[i] for i in some):
        return any(ends)
    own = rows.source_column(name)
    yes, no = ends.index(True), next(i for i in some if not ends[i])
    raise rows.fail(
        f"ends with one of the answers in row {rows.source.number(yes):,} and not in row {rows.source.number(no):,}",
        column=name,
        expected=f"{column_option('history', own)} if it is what was said before, "
        f"{column_option(own, '')} if it repeats the answers",
    )


def _last_words(value: Any, *, text: bool = False) -> str | None:
    messages = conversation(value) if isinstance(value, str) else _turns(value)
    if messages:
        return messages[-1]["content"]
    return value if text and isinstance(value, str) else None
