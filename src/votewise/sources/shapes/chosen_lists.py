"""Several chosen and several rejected answers to one prompt: RewardBench 2, and one answer against a list of worse ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from votewise.data.identity import ALSO
from votewise.sources.answer_lists.rankings import NOTE, listed
from votewise.sources.canonical import Canonical, from_votes, values_beside
from votewise.sources.cells import is_text
from votewise.sources.format import Format
from votewise.sources.meanings.people import people_by_row, people_column
from votewise.sources.meanings.verdicts_beside import refuse_verdict_beside
from votewise.sources.rows import Rows
from votewise.sources.rows_part import parts_of
from votewise.sources.texts.messages import conversation
from votewise.sources.texts.one_kind import one_kind
from votewise.sources.texts.prompt_objects import holds_objects
from votewise.sources.texts.prompt_parts import Parts, find_parts, prompts_of, seen_of, use_parts
from votewise.sources.values import decoded
from votewise.sources.vote_texts import VoteTexts

SIDES = ("chosen", "rejected")
SAMPLE = 20
NAME = "chosen-lists"
SAID = "Every answer in 'chosen' is better than every one in 'rejected'."


def refuse_answer_lists(rows: Rows) -> bool:
    """Refuse lists of answers, not conversations, in chosen or rejected: whoever has them names the format.

    Raises:
        BadInputError: some are lists, or both are texts that spell lists throughout, which may be answers as well.
    """
    if all(_spells_lists(rows, name) for name in SIDES):
        raise rows.fail(
            "it is open whether texts that spell lists are answers, or hold several answers each",
            column="chosen",
            expected=f"--format {NAME} if they hold several answers, --format trl if each is one",
        )
    found = next((name for name in SIDES for v in _sample(rows, name) if answers_in(v) is not None), None)
    if found is not None:
        raise rows.fail(
            "holds lists of answers, where chosen and rejected are one answer each",
            column=found,
            expected=f"--format {NAME}, which compares every answer in chosen with every one in rejected",
        )
    return False


def answers_in(value: Any) -> list[Any] | None:
    """The answers of a list of texts or of conversations; None for one answer, and for anything else.

    >>> answers_in(["Four.", "4"]), answers_in("Four."), answers_in([{"role": "assistant", "content": "Four."}])
    (['Four.', '4'], None, None)
    """
    if not isinstance(value, list) or not value or conversation(value) is not None:
        return None
    texts = all(is_text(item) for item in value)
    return value if texts or all(isinstance(item, list) and conversation(item) is not None for item in value) else None


def _spells_lists(rows: Rows, name: str) -> bool:
    """Whether a column of texts spells a list of answers in all of the first rows, as a CSV does."""
    values = _sample(rows, name)
    return bool(values) and all(isinstance(v, str) and answers_in(listed(v)) is not None for v in values)


def _first_answers(rows: Rows) -> list[Any]:
    """The first answers that stand in lists."""
    return [answer for name in SIDES for value in _sample(rows, name) for answer in answers_in(value) or ()]


def _sample(rows: Rows, name: str) -> list[Any]:
    return [value for value in decoded(rows.head.slice(0, SAMPLE), name) if value is not None]


def read_chosen_lists(rows: Rows) -> Canonical:
    """Read every chosen answer against every rejected one of its row, as votes of one judgement."""
    refuse_verdict_beside(rows)
    people = people_column(rows, taken=SIDES)
    who = people_by_row(rows, people)
    more = values_beside(rows)
    parts = find_parts(rows, {*SIDES, *more, *((people,) if people is not None else ())})
    use_parts(rows, parts)
    if not (parts.prompt or parts.history) and any(is_text(item) for item in _first_answers(rows)):
        raise rows.fail("has no prompt beside lists of answers", expected="--columns prompt=NAME, or conversations")
    votes: list[dict[str, Any]] = []
    kept = VoteTexts(rows)
    spelt = [_spells_lists(rows, name) for name in SIDES]
    several = False
    for i, (asked, seen, better, worse) in enumerate(_rows(rows, parts)):
        given = [listed(v) if s and isinstance(v, str) else v for v, s in zip((better, worse), spelt, strict=True)]
        sides = [_answers(rows, i, name, value) for name, value in zip(SIDES, given, strict=True)]
        couples = [(a, b) for a in sides[0] for b in sides[1]] if rows.ok[i] else []
        shared = {
            "row": i,
            "annotator": who[i],
            "label": "a",
            **{n: column[i] for n, column in more.items()},
        }
        several = several or len(couples) > 1
        for a, b in couples:
            told = {"judgement": str(i)} if len(couples) > 1 else {}
            p, x, y = one_kind(asked, a, b)
            votes.append(shared | told | kept.keep({"prompt": p, "response_a": x, "response_b": y, ALSO: seen}))
    kept.finish()
    notes = [SAID, NOTE] if several else [SAID]
    notes += [f"Annotators are taken from the column '{people}'."] if people not in (None, "annotator") else []
    return from_votes(rows, votes, shown=False, notes=notes, guarded=True)


def _rows(rows: Rows, parts: Parts) -> Iterator[tuple[Any, str | None, Any, Any]]:
    """Prompt, what a model sees beside it, chosen and rejected of every row; some are in memory at a time."""
    used = (*parts.columns, *SIDES)
    if parts.prompt is not None:
        holds_objects(rows, parts.prompt)
    for name in SIDES:
        rows.use(name)
    for part in parts_of(rows, used) if rows.source.stand_ins is not None else (rows,):
        seen = seen_of(part, parts) or [None] * len(part)
        yield from zip(prompts_of(part, parts), seen, *(part.values(name) for name in SIDES), strict=True)


def _answers(rows: Rows, row: int, name: str, value: Any) -> list[Any]:
    """The answers of one side; a text or a conversation is one."""
    found = answers_in(value)
    if found is not None:
        return found
    if is_text(value) or conversation(value) is not None:
        return [value]
    rows.reject(row, "is not a list of answers", column=name, value=value, expected="texts, or one text")
    return []


CHOSEN_LISTS = Format(
    NAME,
    "several chosen and several rejected answers to one prompt, as in RewardBench 2",
    (("chosen",), ("rejected",)),
    read_chosen_lists,
    looks=refuse_answer_lists,
    over=("trl", "hh-rlhf", "ultrafeedback", "ultrafeedback-binarized"),
    leaves_texts=True,
)
