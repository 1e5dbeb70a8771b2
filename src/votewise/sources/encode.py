"""Canonical votes -> ``Votes``: names become codes, pairs get one orientation, repeated votes are dropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from votewise.arrays import Bools, Floats, Ints
from votewise.data.identity import Codes, joined_codes
from votewise.data.votes import UNKNOWN
from votewise.sources.answer_lists.one_judgement import judgement_codes, judgements_of_votes
from votewise.sources.canonical import JUDGEMENT, Canonical
from votewise.sources.codes import by_appearance, codes_of, compact, floats_of, is_known, signs_of
from votewise.sources.meanings.unread import check_merged
from votewise.sources.meanings.unread_people import check_people
from votewise.sources.meanings.unread_prompts import asks_something
from votewise.sources.meanings.unread_repeats import telling_columns
from votewise.sources.meanings.unread_siblings import check_identical
from votewise.sources.meanings.unread_values import column_codes
from votewise.sources.pair_texts import names_of, texts_of
from votewise.sources.pairing import contradictions, find_pairs, identical_responses, text_codes
from votewise.sources.repeated_votes import by_chance, kept_apart, kept_in_tasks, last_of_each, revisions, task_codes
from votewise.sources.rows import Rows
from votewise.sources.stored_votes import StoredVotes, stored_votes


@dataclass(frozen=True)
class Encoded:
    """The fields of ``Votes`` that canonical votes give, and how many votes were dropped.

    Attributes:
        fields: fields of ``Votes``, ``flipped`` and ``position`` (of each vote: whether its row swaps the responses, and
            its index in the canonical table); empty if no vote is left.
        identical: votes between two identical responses.
        notes: what a reader should know about votes that were kept or dropped.
        repeated: votes that a later vote of the same annotator on the same pair replaced.
        stored: where the votes' texts are; None where they are in memory.
    """

    fields: dict[str, Any]
    identical: int
    repeated: int
    notes: tuple[str, ...] = ()
    stored: StoredVotes | None = None


def encode(rows: Rows, canonical: Canonical) -> Encoded:
    """Encode the votes. Rows that contradict an earlier row about the same pair are noted in ``rows`` and left out."""
    table = canonical.table
    signs = signs_of(table.column("label"))
    texts = text_codes(rows, table)
    # Two equal responses are a pair only where the source names the pair; otherwise nothing tells which one was meant.
    keep = ~identical_responses(table, texts) | (signs == 0)
    identical = int((~keep).sum())
    if canonical.guarded:
        check_identical(rows, table.column("row").to_numpy()[~keep])

    pair, flipped, wrong = find_pairs(rows, table, texts, keep)
    keep &= ~wrong
    for name in ("margin", "gold"):
        if name in table.column_names:
            value = floats_of(table, name) if name == "margin" else signs_of(table.column(name))
            keep &= ~contradictions(rows, table, name, pair, np.where(flipped, -value, value), keep)

    annotator, annotator_ids = codes_of(table.column("annotator"))
    time = floats_of(table, "time") if "time" in table.column_names else None
    if canonical.guarded and texts is not None:
        source, prompted = table.column("row").to_numpy(), asks_something(rows, table) or "pair" in table.column_names
        check_merged(rows, source, pair, keep, prompted=prompted, who=annotator)
        unnamed = pc.fill_null(pc.equal(table.column("annotator"), UNKNOWN), True)
        check_people(rows, source, pair, keep & unnamed.to_numpy(zero_copy_only=False), prompted=prompted)
    judgement = judgement_codes(table)
    last, notes = _without_repeats(rows, canonical, (pair, flipped, annotator), judgement, time, keep)
    repeated = int(keep.sum()) - len(last)
    if len(last) == 0:
        return Encoded({}, identical, repeated, notes)
    # The first row that shows a pair gives its orientation, even where a later vote of the same annotator replaced it.
    every = np.flatnonzero(keep)
    codes, firsts = by_appearance(pair[every])
    first = every[firsts]
    code_of = np.full(int(pair.max()) + 1, -1, np.int32)
    code_of[pair[every]] = codes
    stored = stored_votes(rows, canonical)
    fields: dict[str, Any] = {
        "pair": code_of[pair[last]],
        "sign": np.where(flipped[last], -signs[last], signs[last]).astype(np.int8),
        "swapped": flipped[last] if canonical.shown else None,
        "pair_ids": names_of(table, stored, first),
        "row": table.column("row").to_numpy()[last],
    }
    fields["annotator"], fields["annotator_ids"] = compact(annotator[last], annotator_ids)
    if judgement is not None:
        prompt = None if texts is None else texts[0][last]
        fields["judgement"], more = judgements_of_votes(rows, canonical, judgement[last], fields, prompt)
        notes += more
        if texts is not None and fields["judgement"] is not None:
            both = np.stack([texts[1][first], texts[2][first]], axis=1).astype(np.int32)
            fields["answers"] = both if (both >= 0).all() else None
    fields |= _per_vote(table, last, time) | _per_pair(table, flipped, every, codes, first)
    if "response_a" in table.column_names:
        fields["texts"] = texts_of(table, stored, first)
    return Encoded(fields | {"flipped": flipped[last], "position": last}, identical, repeated, notes, stored)


def _without_repeats(
    rows: Rows,
    canonical: Canonical,
    vote: tuple[Codes, Bools, Codes],
    judgement: Codes | None,
    time: Floats | None,
    keep: Bools,
) -> tuple[Codes, tuple[str, ...]]:
    """Keep, of an annotator's votes on one pair shown in one order, the last by time, else the first.

    Votes of unknown people repeat nobody's. A row that differs from the one it repeats in a column that nobody read is
    no repetition: see ``unread``. Returns the votes that stay, in the order of the source, and what to say about it.
    """
    pair, flipped, annotator = vote
    kept = np.flatnonzero(keep)
    key = joined_codes(pair[kept], annotator[kept])
    if canonical.shown or canonical.sided:
        key = joined_codes(key, flipped[kept].astype(np.int64))
    names = canonical.table.column("annotator")
    unknown = np.asarray(pc.fill_null(pc.equal(names, UNKNOWN), True).to_numpy(zero_copy_only=False), bool)[kept]
    if unknown.any():
        key = np.where(unknown, key.max(initial=0) + 1 + np.arange(len(key)), key)
    when = None if time is None else np.where(np.isnan(time[kept]), -np.inf, time[kept])
    last, heir = last_of_each(key, when)
    notes: tuple[str, ...] = ()
    if judgement is not None and canonical.one_per_row and len(last) < len(kept):
        key = joined_codes(key, judgement[kept] + 1)
        before, (last, heir) = len(last), last_of_each(key, when)
        notes += kept_apart(rows, JUDGEMENT, len(last) - before)
    if canonical.guarded and len(last) < len(kept):
        source = canonical.table.column("row").to_numpy()[kept]
        again = np.flatnonzero(heir != np.arange(len(kept)))
        said = signs_of(canonical.table.column("label"))[kept] * np.where(flipped[kept], -1, 1)
        against = said[again] != said[heir[again]]
        revised = revisions(key, when)
        found = telling_columns(rows, source[again], source[heir[again]], against, revised[again])
        for name, always in found.items():
            codes = column_codes(rows, name)[source]
            key = joined_codes(key, codes if always else np.where(revised, 0, codes))
            before, (last, _) = len(last), last_of_each(key, when)
            notes += kept_apart(rows, name, len(last) - before)
    elif not canonical.one_per_row and len(last) < len(kept):
        source = canonical.table.column("row").to_numpy()[kept]
        again = np.flatnonzero(heir != np.arange(len(kept)))
        task, codes = task_codes(rows, source, again, heir[again])
        if task is not None:
            key = joined_codes(key, codes)
            before, (last, _) = len(last), last_of_each(key, when)
            notes += kept_in_tasks(task, len(last) - before)
    if rows.source.unordered and len(last) < len(kept):
        notes += by_chance(canonical, (kept, flipped[kept]), key, when)
    return np.sort(kept[last]), notes


def _per_vote(table: pa.Table, last: Codes, time: Floats | None) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if time is not None and not np.isnan(time[last]).all():
        fields["time"] = time[last]
    if "weight" in table.column_names:
        weight = np.nan_to_num(floats_of(table, "weight")[last], nan=1.0)
        fields["weight"] = None if (weight == 1).all() else weight
    return fields


def _per_pair(table: pa.Table, flipped: Bools, every: Codes, codes: Ints, first: Codes) -> dict[str, Any]:
    """The pairs' margins, gold labels and domains, each from the pair's first row that has a value."""
    fields: dict[str, Any] = {}

    def known(name: str) -> tuple[Ints, Codes]:
        there = np.flatnonzero(is_known(table, name)[every])
        which, where = np.unique(codes[there], return_index=True)
        return which, every[there[where]]

    def oriented(name: str, value: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
        which, where = known(name)
        of = np.zeros(len(first), value.dtype)
        of[which] = np.where(flipped[where], -value[where], value[where])
        return of if len(which) else None

    names = set(table.column_names)
    if "margin" in names:
        fields["margin"] = oriented("margin", floats_of(table, "margin"))
    if "gold" in names:
        fields["gold"] = oriented("gold", signs_of(table.column("gold")))
    if "domain" in names:
        which, where = known("domain")
        if len(which):
            of, ids = codes_of(table.column("domain").take(pa.array(where)))
            fields["domain"] = np.full(len(first), -1, np.int32)
            fields["domain"][which] = of
            fields["domain_ids"] = tuple(ids.to_pylist())
    return fields
