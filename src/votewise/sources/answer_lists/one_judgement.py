"""Which votes come from one judgement, such as a ranking of several answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from votewise.arrays import Ints
from votewise.data.identity import Codes, joined_codes
from votewise.sources.canonical import JUDGEMENT, Canonical
from votewise.sources.codes import by_appearance, codes_of
from votewise.sources.rows import Rows


def judgement_codes(table: pa.Table) -> Codes | None:
    """Code of each vote's judgement as the source names it, -1 where it names none; None where it names none at all."""
    if JUDGEMENT not in table.column_names:
        return None
    codes = codes_of(table.column(JUDGEMENT))[0]
    return codes if (codes >= 0).any() else None


def judgements_of_votes(
    rows: Rows, canonical: Canonical, named: Codes, fields: dict[str, Any], prompt: Codes | None
) -> tuple[Ints | None, tuple[str, ...]]:
    """Number the judgements of the kept votes by first appearance; None where every vote is a judgement of its own.

    A judgement is by one annotator, on one prompt, and says one thing about a pair. Where a column of the source does not
    keep to that, it means something else: it is set aside, and a note says so.

    Args:
        rows: the source's rows.
        canonical: its votes.
        named: (n,) codes of the source's names of judgements, -1 for none.
        fields: fields of ``Votes`` found so far.
        prompt: (n,) code of each vote's prompt; None where there are no texts.
    """
    codes = numbered(named, fields["annotator"])
    if codes is None or not canonical.one_per_row:
        return codes, ()
    twice = len(np.unique(joined_codes(codes.astype(np.int64), fields["pair"].astype(np.int64)))) < len(codes)
    if twice or (prompt is not None and _several_prompts(codes, prompt)):
        why = "one value stands for two votes on a pair" if twice else "one value stands for several prompts"
        own = rows.source_column(JUDGEMENT)
        return None, (f"The column '{own}' does not say which votes come from one judgement ({why}); it is not used.",)
    return codes, ()


def numbered(named: Codes, annotator: Ints) -> Ints | None:
    """Number (n,) judgements, ``named`` by code for each annotator, -1 for a vote on its own; None if all votes are."""
    key = joined_codes(named + 1, annotator.astype(np.int64))
    key = np.where(named < 0, key.max(initial=0) + 1 + np.arange(len(key)), key)
    codes, firsts = by_appearance(key)
    return codes if len(firsts) < len(codes) else None


def _several_prompts(codes: Ints, prompt: Codes) -> bool:
    """Whether the votes of some judgement are on different prompts."""
    _, first = np.unique(codes, return_index=True)
    return bool((prompt != prompt[first][codes]).any())


def number_of_judgements(codes: Ints | None) -> int:
    """How many judgements the votes come from; 0 where every vote is one of its own."""
    return 0 if codes is None else int(codes.max()) + 1
