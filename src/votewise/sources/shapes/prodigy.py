"""Prodigy's choices: a list of ``options``, the ids of those that were chosen in ``accept``, and what became of the task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from votewise.data.identity import ALSO
from votewise.errors import many
from votewise.sources.answer_lists.answer_orders import text_of
from votewise.sources.answer_lists.rankings import NOTE, by_places
from votewise.sources.canonical import Canonical, from_votes
from votewise.sources.cells import is_text
from votewise.sources.format import Format
from votewise.sources.meanings.people import people_by_row, people_column
from votewise.sources.meanings.times import time_column
from votewise.sources.nested import get, named
from votewise.sources.rows import Rows
from votewise.sources.rows_part import parts_of
from votewise.sources.texts.prompt_objects import holds_objects
from votewise.sources.texts.prompt_parts import find_parts, prompts_of, seen_of
from votewise.sources.vote_texts import VoteTexts

SHOWN = ("text", "html", "image")
"""Columns of a task's own content, where no column has a name of the prompt."""
SESSION = "_session_id"


def read_prodigy(rows: Rows) -> Canonical:
    """Read every accepted task as votes for the options that were chosen, each against each one that was not.

    Tasks that were rejected or ignored are skipped, and so are those without a choice. Two options that were both chosen
    are a tie.
    """
    chosen = rows.values("accept")
    answers = rows.values("answer") if rows.has("answer") else ["accept"] * len(rows)
    who = _people(rows)
    when = time_column(rows)
    times = rows.moment(when).tolist() if when is not None else [None] * len(rows)
    votes: list[dict[str, Any]] = []
    kept = VoteTexts(rows)
    skipped = several = 0
    for i, (prompt, seen, given) in enumerate(_tasks(rows)):
        if not rows.ok[i]:
            continue
        texts = _options(rows, i, given)
        ids = [str(one) for one in (chosen[i] if isinstance(chosen[i], list) else [chosen[i]]) if one is not None]
        strange = [one for one in ids if one not in texts]
        if strange and texts:
            rows.reject(i, "is none of the options", column="accept", value=strange[0], expected=", ".join(texts))
        if not texts or strange:
            continue
        couples = by_places([int(one not in ids) for one in texts]) if ids and answers[i] == "accept" else []
        skipped += not couples
        several += len(couples) > 1
        shared = {"row": i, "annotator": who[i], "time": times[i]}
        shared |= {"judgement": str(i)} if len(couples) > 1 else {}
        names = list(texts)
        for better, worse, tie in couples:
            a, b = sorted((better, worse))
            shown = {"prompt": prompt, "response_a": texts[names[a]], "response_b": texts[names[b]], ALSO: seen}
            votes.append(shared | {"label": "tie" if tie else "a" if better == a else "b"} | kept.keep(shown))
    kept.finish()
    rows.use("options", "answers")
    rows.use("accept", "label")
    notes = [NOTE] if several else []
    notes += [f"Skipped: {many(skipped, 'task')}, rejected, ignored, or without a choice."] if skipped else []
    return from_votes(rows, votes, shown=True, skipped=skipped, notes=notes, guarded=True)


def _people(rows: Rows) -> list[str]:
    name = people_column(rows, (SESSION,)) or (SESSION if rows.has(SESSION) else None)
    if name is not None:
        rows.use(name, "annotator")
    return people_by_row(rows, name)


def _tasks(rows: Rows) -> Iterator[tuple[Any, str | None, Any]]:
    """Of every row the prompt, what else is seen, and the options; some are in memory at a time where they are in files."""
    taken = {"options", "accept", "answer", *(name for name in rows.table.column_names if name.startswith("_"))}
    own = next((name for name in SHOWN if rows.has(name)), None)
    if own is not None and find_parts(rows, taken).prompt is None:
        rows.rename({own: "prompt"})
    parts = find_parts(rows, taken)
    for name in parts.columns:
        rows.use(name, "prompt")
    if parts.prompt is not None:
        holds_objects(rows, parts.prompt)
    rows.use("options")
    for part in parts_of(rows, (*parts.columns, "options")) if rows.source.stand_ins is not None else (rows,):
        seen = seen_of(part, parts) or [None] * len(part)
        yield from zip(prompts_of(part, parts), seen, part.values("options"), strict=True)


def _options(rows: Rows, row: int, value: Any) -> dict[str, str]:
    """The texts of the options by their ids; empty, and noted, where a value is no list of them."""
    items = value if isinstance(value, list) else []
    found = {named(get(item, "id")): _text(item) for item in items}
    if len(found) < 2 or len(found) < len(items) or None in found or None in found.values():
        rows.reject(row, "is no list of options", column="options", value=value, expected="objects with id and text")
        return {}
    return {str(name): str(text) for name, text in found.items()}


def _text(option: Any) -> str | None:
    text = text_of(option)
    found = text or next((get(option, key) for key in ("html", "image", "label") if get(option, key)), text)
    return found if is_text(found) else None


def looks_like_prodigy(rows: Rows) -> bool:
    """Tell whether ``options`` holds lists of objects with an id each."""
    given = [value for value in rows.values("options")[:50] if value]
    return bool(given) and all(
        isinstance(value, list) and all(get(item, "id") is not None for item in value) for value in given
    )


PRODIGY = Format(
    "prodigy",
    "Prodigy's choices among options",
    (("options",), ("accept",)),
    read_prodigy,
    looks=looks_like_prodigy,
    own_status=True,
    leaves_texts=True,
)
