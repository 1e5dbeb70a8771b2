"""Who is in which group of annotators who err together, for whatever is written out of an audit: columns, notes, a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from votewise.data.preference_shapes import TOGETHER
from votewise.errors import many


def members_of(annotators: pa.Table) -> dict[str, str]:
    """Annotator -> its group, from the table of annotators of an audit; empty without groups."""
    if TOGETHER not in annotators.column_names:
        return {}
    named = zip(annotators["annotator"].to_pylist(), annotators[TOGETHER].to_pylist(), strict=True)
    return {str(annotator): str(group) for annotator, group in named if group is not None}


def group_column(annotators: Any, members: Mapping[str, str]) -> pa.Array:
    """(n,) the group of each of these annotators' names."""
    return pa.array([members.get(str(name)) for name in annotators.to_pylist()], pa.string())


def group_notes(groups: Sequence[Mapping[str, Any]], said: Mapping[str, float] | None) -> tuple[str, ...]:
    """What confidences take into account, a line; nothing without groups.

    Args:
        groups: ``groups`` of an audit's summary.
        said: ``said`` of the summary.
    """
    if not groups:
        return ()
    each = (
        f"'{one['name']}' ({many(one['members'], 'annotator')} worth {one['effective']:.1f} independent ones, correlation "
        f"{one['correlation']:.2f})"
        for one in groups
    )
    words = f"Confidences take into account that annotators err together within groups: {'; '.join(each)}."
    if said is not None:
        words += (
            f" The likelier responses are right with a probability of {said['with_groups']:.3f} on average; without groups "
            f"it would be {said['without_groups']:.3f}."
        )
    return (words,)


def group_facts(
    groups: Sequence[Mapping[str, Any]], said: Mapping[str, float] | None, members: Mapping[str, str]
) -> dict[str, Any]:
    """The same for a JSON file: ``groups`` and ``said`` of the summary, and ``members``, annotator -> group."""
    return {"groups": [dict(one) for one in groups], "said": said, "members": dict(members)}
