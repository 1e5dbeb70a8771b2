"""A source's rows -> canonical votes: recognise the format, leave out what is not a vote, read, and apply the options."""

from __future__ import annotations

from votewise.sources.canonical import Canonical
from votewise.sources.containers.stand_in_type import TextsNeededError
from votewise.sources.format import Format
from votewise.sources.meanings.criteria import one_criterion
from votewise.sources.meanings.losers import check_label
from votewise.sources.meanings.no_votes import set_aside, with_ties
from votewise.sources.meanings.open_meanings import check_meanings
from votewise.sources.meanings.people import one_person
from votewise.sources.meanings.sides_in_doubt import check_sides
from votewise.sources.meanings.split_columns import read_one_split
from votewise.sources.meanings.unread_prompts import check_known_parts, check_prompts
from votewise.sources.meanings.vote_columns import refuse_unread_votes
from votewise.sources.registry import choose
from votewise.sources.rows import Rows
from votewise.sources.texts.role_notes import role_notes


def canonical_votes(rows: Rows, format: str, one_annotator: str | None) -> tuple[Format, Canonical]:
    """The format of the rows and their votes; whoever reads votes goes through here.

    Args:
        rows: the source's rows.
        format: a format's name, or ``auto``.
        one_annotator: a name for the voters whom nobody names, or None.

    Raises:
        BadInputError: no format fits, or the votes cannot be read.
    """
    chosen = format_of(rows, format)
    canonical = one_person(one_criterion(rows, with_ties(rows, chosen.read(rows))), one_annotator)
    rows.notes += role_notes(rows)
    if canonical.one_per_row:
        refuse_unread_votes(rows)
    if not chosen.own_status:
        check_known_parts(rows, chosen.name)
    if canonical.guarded:
        check_prompts(rows, canonical)
        check_meanings(rows, canonical)
        check_sides(rows, canonical)
    return chosen, canonical


def format_of(rows: Rows, format: str) -> Format:
    """The format of the rows, of which those that are no votes, or in another split, are left out."""
    chosen = choose(rows, format)
    if rows.source.stand_ins is not None and not chosen.leaves_texts:
        raise TextsNeededError
    check_label(rows)
    read_one_split(rows)
    if not chosen.own_status:
        set_aside(rows)
    return chosen
