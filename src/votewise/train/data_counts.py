"""What became of the rows and votes that a trainer was given, in numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from votewise.data.votes import UNKNOWN
from votewise.errors import many
from votewise.train.beginning import Beginning
from votewise.train.token_lengths import Lengths


@dataclass(frozen=True)
class DataCounts:
    """What became of the data; for a stream, of the rows that it has given so far.

    Attributes:
        rows: rows that the trainer was given.
        votes: votes that count.
        trained: rows that are trained on.
        merged: votes whose row was merged into another one, because a model sees the same pair.
        equal_answers: rows of a dataset left out because both answers are equal.
        skipped: rows of another source left out because they hold no vote, or one between equal answers.
        repeated: votes left out because their annotator voted on the pair before.
        weightless: votes left out because their weight is 0; ``weightless_pairs``: pairs left out because all theirs are.
        tied: pairs left out because they have no votes but ties.
        rejected: rows left out because they could not be read.
        too_long: rows left out because their prompt fills ``max_length``; None where a stream cannot tell, because it was
            resumed from a checkpoint without numbers or with other processes or workers.
        cut: rows of which the end of an answer is cut off at ``max_length``.
        no_answer: rows that are trained on although an answer has no token.
        unknown_people: votes without a name.
        not_audited: annotators about whom the audit that training starts from says nothing.
        in_groups: annotators who err together, according to that audit or to groups that the user names.
        alone: groups that the user names in whose votes no shared error was found.
        unused: columns that nothing uses.
        streamed: whether the data are a stream.
    """

    rows: int = 0
    votes: int = 0
    trained: int = 0
    merged: int = 0
    equal_answers: int = 0
    skipped: int = 0
    repeated: int = 0
    weightless: int = 0
    weightless_pairs: int = 0
    tied: int = 0
    rejected: int = 0
    too_long: int | None = 0
    cut: int = 0
    no_answer: int = 0
    unknown_people: int = 0
    not_audited: int = 0
    in_groups: int = 0
    alone: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    streamed: bool = False


def count_data(start: Beginning, lengths: Lengths, max_length: int | None) -> DataCounts:
    """Count what became of a dataset or of votes.

    Args:
        start: what the run starts with; not a stream.
        lengths: of the rows that are trained on.
        max_length: the longest sequence, in tokens.
    """
    rows = start.rows
    assert rows is not None  # noqa: S101 - only streams have none
    votes, reading = rows.votes, rows.votes.reading
    names = votes.annotator_ids.to_pylist()
    unnamed = np.isin(votes.annotator, [k for k, name in enumerate(names) if name == UNKNOWN])
    counting = np.ones(len(votes), bool) if votes.weight is None else votes.weight > 0
    return DataCounts(
        rows=start.given or 0,
        votes=int(counting.sum()),
        trained=len(lengths.prompt),
        merged=int((counting & (votes.sign != 0)).sum()) - len(rows.pair),
        equal_answers=start.equal,
        skipped=start.skipped,
        repeated=0 if reading is None else reading.repeated,
        weightless=start.weightless,
        weightless_pairs=rows.unweighted,
        tied=rows.tied,
        rejected=0 if reading is None else reading.rejected,
        too_long=len(rows.pair) - len(lengths.prompt),
        cut=0 if max_length is None else int((lengths.sequence > max_length).sum()),
        no_answer=int((np.minimum(lengths.chosen, lengths.rejected) == 0).sum()),
        unknown_people=int((unnamed & counting).sum()),
        not_audited=start.not_audited,
        in_groups=start.in_groups,
        alone=start.alone,
        unused=start.unused,
    )


class Remark(NamedTuple):
    """What people should know about the data, about one ``subject``; ``name`` is a shorter one for a list."""

    name: str
    subject: str
    text: str


def remarks_about(counts: DataCounts, max_length: int | None) -> Iterator[Remark]:
    """What people should know about the data before training."""
    left_out = [
        (counts.equal_answers, "row with equal answers", "rows with equal answers"),
        (
            counts.skipped,
            "row without a vote on different answers",
            "rows without a vote on different answers",
        ),
        (counts.repeated, "vote that repeats one of its annotator", "votes that repeat one of their annotator"),
        (counts.weightless, "vote of weight 0", "votes of weight 0"),
        (counts.weightless_pairs, "pair whose votes all have weight 0", "pairs whose votes all have weight 0"),
        (counts.tied, "pair with no votes but ties", "pairs with no votes but ties"),
        (counts.rejected, "row that could not be read", "rows that could not be read"),
    ]
    if counts.streamed and counts.too_long:  # of other data the rows are named
        full = f"whose prompt fills max_length={max_length}"
        left_out.append((counts.too_long, f"row {full}", f"rows {full}"))
    if found := [many(number, one, several) for number, one, several in left_out if number]:
        yield Remark("Left out", "Left out", ", ".join(found))
    if counts.cut:
        cut = f"the end of an answer in {many(counts.cut, 'row')}, because of max_length={max_length}"
        yield Remark("Cut", "Cut", cut)
    if counts.no_answer:
        yield Remark("No answer", "Trained on although an answer has no token", many(counts.no_answer, "row"))
    if counts.not_audited:
        start = f"{many(counts.not_audited, 'annotator')}; their reliability starts as that of anybody"
        yield Remark("Not audited", "Not in the audit", start)
    if counts.in_groups:
        who = f"{many(counts.in_groups, 'annotator')} in groups; their votes on one pair count for less"
        yield Remark("Groups", "Err together", who)
    if counts.alone:
        names = ", ".join(f"'{name}'" for name in counts.alone)
        few = f"the group{'s' * (len(counts.alone) > 1)} {names}; no error that its members share was found in these votes"
        yield Remark("No shared error", "Err alone", few)
    if counts.unused:
        columns = f"the column{'s' * (len(counts.unused) > 1)} {', '.join(counts.unused)}"
        yield Remark("Unused", "Carried and used for nothing", columns)


def lines_about(counts: DataCounts, max_length: int | None) -> Iterator[str]:
    """``remarks_about`` as one sentence for each subject."""
    for remark in remarks_about(counts, max_length):
        yield f"{remark.subject}: {remark.text}."


def summary_of(counts: DataCounts) -> str:
    """One line on what is trained on."""
    return f"Data: {given_in(counts)}; {many(counts.trained, 'row')} to train on{merged_in(counts)}."


def given_in(counts: DataCounts) -> str:
    """The rows and votes that were given, in words."""
    people = f"; {many(counts.unknown_people, 'vote')} by unknown people" if counts.unknown_people else ""
    return f"{many(counts.rows, 'row')} with {many(counts.votes, 'vote')}{people}"


def merged_in(counts: DataCounts) -> str:
    """The rows that were merged, in words after a comma; empty if there are none."""
    return f", {many(counts.merged, 'row')} merged into others on the same pair" if counts.merged else ""
