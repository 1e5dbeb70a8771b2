"""Chosen and rejected: TRL's preference format, UltraFeedback's variants and hh-rlhf. ``chosen`` becomes response_a."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from votewise.arrays import Floats
from votewise.sources.canonical import Canonical, from_columns, optional
from votewise.sources.cells import TEXT
from votewise.sources.containers.stand_in_type import is_in_files
from votewise.sources.format import Columns, Format
from votewise.sources.meanings.people import people_column, read_people
from votewise.sources.meanings.result_columns import names_sides
from votewise.sources.meanings.verdicts_beside import refuse_verdict_beside
from votewise.sources.rows import Rows
from votewise.sources.rows_part import staged_in_parts
from votewise.sources.samples import samples
from votewise.sources.texts.messages import conversation, holds_lists
from votewise.sources.texts.prompt_parts import has_prompt, read_texts
from votewise.sources.values import decoded, is_marked

TURN = "\n\nAssistant:"
SCORES = "Margins are differences of scores on the scorer's scale, not log-odds: fit a temperature."

VOTERS = ("user_id", "user", "annotator", "worker", "worker_id")
"""Keys of objects that name who voted."""


def looks_like_hh(rows: Rows) -> bool:
    """Tell whether the first rows look like hh-rlhf: texts with marked turns, and no column for the prompt."""
    head = rows.table.slice(0, 20)
    texts = [v for name in ("chosen", "rejected") for v in decoded(head, name) if isinstance(v, str)]
    return not rows.has("prompt") and bool(texts) and all(TURN in text for text in texts)


def holds_answers(rows: Rows) -> bool:
    """Tell whether chosen and rejected are answers, not the sides or the models that other columns hold answers of."""
    return rows.has("label") or not names_sides(rows.head, "chosen")


def read_trl(rows: Rows) -> Canonical:
    """Read TRL's standard or conversational preferences, with the prompt in a column of its own or in the responses.

    An ``annotator`` column is used where there is one. A margin (see ``margins``), or the difference of ``score_chosen`` and
    ``score_rejected``, tells how much better ``chosen`` is considered to be.
    """
    taken = _taken(rows)
    if has_prompt(rows, taken, ("chosen", "rejected")) or any(
        holds_lists(rows, name) for name in ("chosen", "rejected")
    ):
        texts = read_texts(rows, "chosen", "rejected", taken)
    else:
        texts = _split_texts(rows, _common_start)
    return chosen_votes(rows, texts)


def read_hh(rows: Rows) -> Canonical:
    """Read hh-rlhf: the prompt ends with the last turn marker of the assistant."""
    return chosen_votes(rows, _split_texts(rows, _last_turn))


def read_ultrafeedback(rows: Rows) -> Canonical:
    """Read UltraFeedback with all generated responses and their scores, which give the margin of the chosen one."""
    margin = np.full(len(rows), np.nan)
    columns = (rows.values(n) for n in ("chosen", "rejected", "all_generated_responses", "all_rm_scores"))
    for i, (chosen, rejected, responses, scores) in enumerate(zip(*columns, strict=True)):
        if not isinstance(responses, list) or not isinstance(scores, list) or len(responses) != len(scores):
            expected = "one number per entry of all_generated_responses"
            rows.reject(
                i, "does not have one score per response", column="all_rm_scores", value=scores, expected=expected
            )
            continue
        if any(s is not None and not isinstance(s, int | float) for s in scores):
            rows.reject(i, "is not a list of numbers", column="all_rm_scores", value=scores, expected="numbers")
            continue
        # The first score counts where a response was generated twice.
        of = {r: s for r, s in zip(reversed(responses), reversed(scores), strict=True) if isinstance(r, str)}
        better, worse = of.get(_last_words(chosen)), of.get(_last_words(rejected))
        if better is not None and worse is not None:
            margin[i] = better - worse
    rows.reject_where(np.isinf(margin), "is not finite", column="all_rm_scores", expected="finite numbers")
    return chosen_votes(rows, read_texts(rows, "chosen", "rejected", _taken(rows)), margin)


def chosen_votes(
    rows: Rows, texts: dict[str, Any], margin: Floats | None = None, *, taken: tuple[str, ...] = ("chosen", "rejected")
) -> Canonical:
    """One vote per row for its ``response_a``.

    Args:
        rows: the source's rows.
        texts: columns of prompts and responses, the better one as ``response_a``.
        margin: (n,) how much better it is considered to be, NaN where unknown; None where nothing says it.
        taken: the columns of the answers, which name nobody.

    Raises:
        BadInputError: other columns hold votes as well.
    """
    n = len(rows)
    people, named_by = read_people(rows, taken=taken)
    _refuse_votes_beside(rows)
    refuse_verdict_beside(rows)
    columns: dict[str, Any] = {
        "annotator": people,
        "label": pa.array(["a"], TEXT).take(pa.array(np.zeros(n, np.int64))),
        **optional(rows),
        **texts,
    }
    if margin is None and rows.has("score_chosen", "score_rejected"):
        margin = rows.number("score_chosen") - rows.number("score_rejected")
    notes = named_by
    if margin is not None and "margin" not in columns:
        notes += (SCORES,)
        columns["margin"] = margin
    return from_columns(rows, columns, shown=False, notes=notes)


def _taken(rows: Rows) -> tuple[str, ...]:
    """Columns that are no part of the prompt."""
    people = people_column(rows, taken=("chosen", "rejected"))
    return ("chosen", "rejected", *((people,) if people is not None else ()))


def _refuse_votes_beside(rows: Rows) -> None:
    """Refuse a machine's chosen and rejected where another column holds what people said about them."""
    for name in rows.head.column_names:
        if not isinstance(first := _first(rows, name), list):
            continue
        people = [item[key] for item in first if isinstance(item, dict) for key in VOTERS if key in item]
        # What a user said to two models names nobody.
        if any(conversation(who) is None for who in people):
            raise rows.fail(
                "holds people's votes beside chosen and rejected, so that it is open which of them count",
                column=name,
                expected=f"a file with one vote per row; --columns {name}= counts chosen as one vote",
            )


def _first(rows: Rows, name: str) -> Any:
    field = rows.head.schema.field(name)
    if not (pa.types.is_nested(field.type) or is_marked(field)):
        return None
    return next((value for value in decoded(samples(rows, [name], 20), name) if value), None)


def _last_words(response: Any) -> Any:
    messages = conversation(response)
    return messages[-1]["content"] if messages else response if isinstance(response, str) else None


def _split_texts(rows: Rows, cut: Callable[[str, str], int | None]) -> dict[str, Any]:
    """Split two texts that have the same start; ``cut`` tells after how many characters."""
    names = ("chosen", "rejected")
    if not any(is_in_files(rows.table.schema.field(name)) for name in names):
        return _split(rows, cut)
    for name in names:
        rows.use(name)
    return staged_in_parts(rows, names, lambda part: _split(part, cut))


def _split(rows: Rows, cut: Callable[[str, str], int | None]) -> dict[str, Any]:
    pairs = zip(rows.text("chosen").to_pylist(), rows.text("rejected").to_pylist(), strict=True)
    found: list[tuple[str | None, str | None, str | None]] = []
    for i, (chosen, rejected) in enumerate(pairs):
        at = None if chosen is None or rejected is None else cut(chosen, rejected)
        if chosen is None or rejected is None:
            found.append((None, None, None))
        elif at is None:
            expected = "both to share a prompt that ends with the last 'Assistant:'"
            rows.reject(
                i, "the prompts of chosen and rejected differ", column="chosen", value=chosen, expected=expected
            )
            found.append((None, None, None))
        else:
            found.append((chosen[:at], chosen[at:], rejected[at:]))
    names = ("prompt", "response_a", "response_b")
    return {n: pa.array(list(c), TEXT) for n, c in zip(names, zip(*found, strict=True), strict=True)} if found else {}


def _common_start(chosen: str, rejected: str) -> int:
    # Unlike TRL's extract_prompt, which cuts words in two: what two texts share ends where a word ends.
    n = _shared(chosen, rejected)
    while n and n < max(len(chosen), len(rejected)) and not chosen[n - 1].isspace():
        n -= 1
    return n - 1 if n and chosen[n - 1] == " " else n


def _last_turn(chosen: str, rejected: str) -> int | None:
    at = chosen.rfind(TURN)
    if at < 0 or TURN not in rejected:
        return None
    # Conversations that differ before their last turn are cut at the last turn that they share.
    at = chosen.rfind(TURN, 0, _shared(chosen, rejected))
    return None if at < 0 else at + len(TURN)


def _shared(a: str, b: str) -> int:
    """The number of characters at the start that two texts have in common."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if a[:middle] == b[:middle] else (low, middle - 1)
    return low


_CHOSEN: Columns = (("chosen",), ("rejected",))

ULTRAFEEDBACK = Format(
    "ultrafeedback",
    "UltraFeedback with all generated responses and their reward scores",
    (*_CHOSEN, ("all_generated_responses",), ("all_rm_scores",)),
    read_ultrafeedback,
    over=("trl",),
    leaves_texts=True,
)
ULTRAFEEDBACK_BINARIZED = Format(
    "ultrafeedback-binarized",
    "UltraFeedback in pairs with two scores",
    (*_CHOSEN, ("score_chosen",), ("score_rejected",)),
    read_trl,
    over=("trl",),
    leaves_texts=True,
)
HH_RLHF = Format(
    "hh-rlhf",
    "Anthropic's hh-rlhf: two texts with marked turns",
    _CHOSEN,
    read_hh,
    looks=looks_like_hh,
    over=("trl",),
    leaves_texts=True,
)
TRL = Format(
    "trl",
    "TRL preferences: chosen and rejected, texts or conversations",
    _CHOSEN,
    read_trl,
    looks=holds_answers,
    leaves_texts=True,
)
