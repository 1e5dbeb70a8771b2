"""The first rows of a run as the model sees them: pieces of decoded tokens, each with its role."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TextIO

import numpy as np

from votewise.errors import visible
from votewise.train.loading import tokenizer_of
from votewise.train.training_rows import TrainingRows
from votewise.train.trl_adapter import PairCollator, tokenize_pairs

Role = Literal["prompt", "chosen", "rejected", "unscored"]

MEANING: dict[Role, str] = {
    "prompt": "read",
    "chosen": "scored",
    "rejected": "scored",
    "unscored": "cut off by max_length",
}
"""What happens with the tokens of a role."""

COLOUR: dict[Role, str] = {"prompt": "36", "chosen": "32", "rejected": "31", "unscored": "9;90"}
"""The terminal's codes: cyan, green, red, and grey that is struck out."""

SHOWN = 2
"""Rows that a dry run shows."""

LONGEST = 800
"""Most characters of a piece that are printed; the middle of a longer one is left out."""

INDENT = " " * 11


@dataclass(frozen=True)
class Piece:
    """Successive tokens of one role: their ``ids``, and the text they are decoded to."""

    role: Role
    ids: tuple[int, ...]
    text: str


@dataclass(frozen=True)
class ShownRow:
    """One row: the number of its first row in the source, from 1, and the two sequences that the model gets."""

    number: int
    chosen: tuple[Piece, ...]
    rejected: tuple[Piece, ...]


def first_rows(rows: TrainingRows, processor: Any, training: Any, *, left_out: Any = ()) -> tuple[ShownRow, ...]:
    """The first ``SHOWN`` rows of a run.

    Args:
        rows: the rows of the run.
        processor: the tokenizer, or the processor around it.
        training: the settings of the run.
        left_out: numbers of rows that are not trained on.
    """
    wanted = np.setdiff1d(np.arange(min(len(rows.pair), SHOWN + len(left_out))), left_out)[:SHOWN]
    if not len(wanted):
        return ()
    tokenizer = tokenizer_of(processor)
    tokenized = tokenize_pairs(rows.dataset.select(wanted.tolist()), processor, tokenizer, processes=None)
    collate = PairCollator(pad_token_id=0, max_length=training.max_length, truncation_mode=training.truncation_mode)
    return tuple(
        ShownRow(_number(rows, row), *_sequences(example, collate, tokenizer))
        for row, example in zip(wanted.tolist(), tokenized, strict=True)
    )


def _number(rows: TrainingRows, row: int) -> int:
    votes = rows.votes
    first = int(np.flatnonzero(votes.pair == rows.pair[row])[0])
    return (first if votes.row is None else int(votes.row[first])) + 1


def _sequences(example: dict[str, Any], collate: Any, tokenizer: Any) -> Iterator[tuple[Piece, ...]]:
    """The pieces of both sequences; what is scored is what the collator of the training says."""
    batch = collate([{name: example[name] for name in ("prompt_ids", "chosen_ids", "rejected_ids")}])
    answers: tuple[Role, Role] = ("chosen", "rejected")
    for place, answer in enumerate(answers):
        whole = [*example["prompt_ids"], *example[f"{answer}_ids"]]
        kept = int(batch["attention_mask"][place].sum())
        scored = batch["completion_mask"][place][:kept].tolist()
        roles: list[Role] = [answer if counts else "prompt" for counts in scored]
        cut: list[Role] = ["unscored"] * (len(whole) - kept)
        at_the_start = batch["input_ids"][place][:kept].tolist() != whole[:kept]
        yield tuple(_pieces(whole, cut + roles if at_the_start else roles + cut, tokenizer))


def _pieces(ids: list[int], roles: list[Role], tokenizer: Any) -> Iterator[Piece]:
    starts = [i for i in range(len(ids)) if i == 0 or roles[i] != roles[i - 1]]
    for start, end in zip(starts, [*starts[1:], len(ids)], strict=True):
        # A tokenizer may drop the space before the first word, so a piece is what it adds to the text before it.
        before, until = _decoded(tokenizer, ids[:start]), _decoded(tokenizer, ids[:end])
        text = until[len(before) :] if until.startswith(before) else _decoded(tokenizer, ids[start:end])
        yield Piece(roles[start], tuple(ids[start:end]), text)


def _decoded(tokenizer: Any, ids: list[int]) -> str:
    return str(tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))


def has_colours(stream: TextIO) -> bool:
    """Whether to colour what is printed there: on a terminal, unless ``NO_COLOR`` is set."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def render_rows(rows: tuple[ShownRow, ...], *, colours: bool) -> str:
    """The rows as text, with control characters of the data shown as symbols; empty without rows.

    Args:
        rows: what ``first_rows`` found.
        colours: whether roles are coloured for a terminal; they are named in any case.
    """
    if not rows:
        return ""
    used = {piece.role for row in rows for piece in (*row.chosen, *row.rejected)}
    legend = ", ".join(_in(role, f"[{role}] {MEANING[role]}", colours) for role in MEANING if role in used)
    lines = [
        "",
        f"The first {len(rows)} rows as the model sees them: {legend}"
        if len(rows) > 1
        else f"The first row as the model sees it: {legend}",
    ]
    for row in rows:
        lines += ["", f"Source row {row.number:,}"]
        prompt = row.chosen[0]
        shared = prompt.role == "prompt" and row.rejected[0] == prompt
        lines += [_line(piece, colours) for piece in row.chosen]
        lines += [_line(piece, colours) for piece in row.rejected[shared:]]
    return "\n".join(lines)


def _line(piece: Piece, colours: bool) -> str:
    text = visible(_shortened(piece.text), lines=True).replace("\n", f"\N{SYMBOL FOR LINE FEED}\n{INDENT}")
    tokens = f"({len(piece.ids):,} token{'s' * (len(piece.ids) != 1)})"
    return f"{f'[{piece.role}]':<{len(INDENT)}}{_in(piece.role, text, colours)} {tokens}"


def _shortened(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    half = LONGEST // 2
    return f"{text[:half]} […{len(text) - 2 * half:,} more characters…] {text[-half:]}"


def _in(role: Role, text: str, colours: bool) -> str:
    """A text in the colour of a role, line by line, so that a pager or a log that is cut keeps its colours apart."""
    if not colours:
        return text
    return "\n".join(f"\033[{COLOUR[role]}m{line}\033[0m" for line in text.split("\n"))
