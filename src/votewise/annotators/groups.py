"""Which annotators err together: groups that the user names, by patterns or by a column."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import translate

import numpy as np
import pyarrow.compute as pc

from votewise.annotators.tables import names as strings
from votewise.arrays import Ints
from votewise.data.votes import Votes
from votewise.errors import BadInputError, NotIdentifiableError, many

Groups = str | Mapping[str, str | Sequence[str]]
"""A column of the source, or the name of each group -> a shell-style pattern of its members' names, or several patterns."""

SHOWN = 3


@dataclass(frozen=True)
class KnownGroups:
    """Groups that were named before: ``group_of`` has the group of each annotator who is in one.

    Annotators who are not among the votes do not matter, and a group with fewer than two is none.
    """

    group_of: Mapping[str, str]


def groups_of(votes: Votes, groups: Groups | KnownGroups) -> tuple[Ints, tuple[str, ...]]:
    """(K,) code of each annotator's group, -1 for none, and the groups' names.

    Args:
        votes: the votes.
        groups: see ``Groups``. In a column, a group with a single annotator is no group, and neither is a missing name.

    Raises:
        BadInputError: a pattern that matches nobody, an annotator in two groups, a group of one, no such column, no group.
        NotIdentifiableError: all annotators are in one group.
    """
    if isinstance(groups, KnownGroups):
        group, names = _known(votes, groups.group_of)
    else:
        group, names = _by_column(votes, groups) if isinstance(groups, str) else _by_pattern(votes, groups)
    if not names:
        raise BadInputError("there is no group of two annotators or more", parameter="groups", expected="at least one")
    voted = np.unique(votes.annotator)
    if len(names) == 1 and (group[voted] == 0).all():
        raise NotIdentifiableError(
            f"All annotators are in the group '{names[0]}': whether they agree because they are right or because they err "
            "together cannot be told; leave some out of it, or add votes of others on the same pairs."
        )
    return group, names


def check_composes(votes: Votes, *, shared_pairs: bool, model: str = "equal") -> None:
    """Refuse what groups cannot be combined with; BadInputError."""
    if not shared_pairs:
        raise BadInputError("groups need votes that share their pair's truth", expected="shared pairs, or no groups")
    if model != "equal":
        raise BadInputError(
            "groups go with pairs that are equally hard",
            parameter="model",
            value=model,
            expected="model 'equal', or no groups",
        )
    if votes.judgement is not None:
        raise BadInputError(
            "groups take every vote on its own, and these come from judgements such as rankings",
            expected="no groups, with one annotator of each group kept; or votes on single pairs",
        )


def _by_pattern(votes: Votes, groups: Mapping[str, str | Sequence[str]]) -> tuple[Ints, tuple[str, ...]]:
    annotators = strings(votes.annotator_ids).to_pylist()
    group = np.full(len(annotators), -1, np.int32)
    for code, (name, patterns) in enumerate(groups.items()):
        found: set[int] = set()
        for pattern in [patterns] if isinstance(patterns, str) else patterns:
            fits = re.compile(translate(pattern)).match
            matching = [k for k, annotator in enumerate(annotators) if fits(str(annotator))]
            if not matching:
                some = ", ".join(f"'{annotator}'" for annotator in annotators[:SHOWN])
                more = ", ..." if len(annotators) > SHOWN else ""
                raise BadInputError(
                    f"the pattern '{pattern}' of the group '{name}' matches no annotator",
                    parameter="group",
                    expected=f"a shell-style pattern of names such as {some}{more}",
                )
            found.update(matching)
        members = np.array(sorted(found), np.int64)
        if len(members) < 2:
            only = f", '{annotators[members[0]]}'" if len(members) else ""
            raise BadInputError(
                f"the group '{name}' has {many(len(members), 'annotator')}{only}",
                parameter="group",
                expected="two or more, because one annotator shares an error with nobody",
            )
        twice = members[group[members] >= 0]
        if len(twice):
            other = list(groups)[group[twice[0]]]
            raise BadInputError(
                f"the annotator '{annotators[twice[0]]}' matches two groups, '{other}' and '{name}'",
                parameter="group",
                expected="patterns that put each annotator into one group",
            )
        group[members] = code
    return group, tuple(groups)


def _by_column(votes: Votes, column: str) -> tuple[Ints, tuple[str, ...]]:
    if votes.table is None or column not in votes.table.column_names:
        there = [] if votes.table is None else list(votes.table.column_names)
        shown = ", ".join(f"'{name}'" for name in there[:8])
        raise BadInputError(
            f"there is no column '{column}'", parameter="groups", expected=f"one of {shown}" if there else "a column"
        )
    values = pc.cast(votes.table[column], "string").combine_chunks().dictionary_encode()
    code = np.asarray(pc.fill_null(values.indices, -1).to_numpy(zero_copy_only=False), np.int64)
    first = np.full(votes.n_annotators, -1, np.int64)
    first[votes.annotator[::-1]] = code[::-1]
    differs = np.flatnonzero(first[votes.annotator] != code)
    words = [*values.dictionary.to_pylist(), None]
    if len(differs):
        k = votes.annotator[differs[0]]
        raise BadInputError(
            f"the annotator '{votes.annotator_ids[int(k)]}' is in two groups, "
            f"'{words[first[k]]}' and '{words[code[differs[0]]]}'",
            column=column,
            expected="one group for each annotator",
        )
    size = np.bincount(first[first >= 0], minlength=len(words))
    kept = np.flatnonzero(size > 1)
    new = np.full(len(size) + 1, -1, np.int32)
    new[kept] = np.arange(len(kept))
    return new[first], tuple(str(words[i]) for i in kept)


def _known(votes: Votes, group_of: Mapping[str, str]) -> tuple[Ints, tuple[str, ...]]:
    own = [group_of.get(str(name)) for name in votes.annotator_ids.to_pylist()]
    names = tuple(name for name, number in Counter(name for name in own if name is not None).items() if number > 1)
    code = {name: i for i, name in enumerate(names)}
    return np.array([-1 if name is None else code.get(name, -1) for name in own], np.int32), names


def by_name(group: Ints, names: Sequence[str]) -> Iterator[str | None]:
    """The name of each annotator's group, None for none."""
    return (names[code] if code >= 0 else None for code in group.tolist())
