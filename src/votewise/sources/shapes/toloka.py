"""Toloka's assignments: INPUT:, OUTPUT:, GOLDEN:, HINT: and ASSIGNMENT: columns, one vote per row."""

from __future__ import annotations

from votewise.sources.canonical import Canonical
from votewise.sources.format import Format
from votewise.sources.meanings.result_columns import LABEL_NAMES
from votewise.sources.rows import Rows
from votewise.sources.shapes.two_answers import read_two_answers

WHO = "ASSIGNMENT:worker_id"
TIMES = ("ASSIGNMENT:submitted", "ASSIGNMENT:accepted", "ASSIGNMENT:started")


def read_toloka(rows: Rows) -> Canonical:
    """Read one vote per row, by the output that says which input is better; golden tasks keep their gold.

    Assignments that were rejected, skipped or have expired are not votes: the column ASSIGNMENT:status says so.
    """
    names = rows.table.column_names
    outputs = [name for name in names if name.startswith("OUTPUT:")]
    known = [name for name in outputs if name.partition(":")[2] in LABEL_NAMES]
    chosen = known if len(known) == 1 else outputs
    if "label" not in names and len(chosen) != 1:
        raise rows.fail(
            f"has several outputs: {', '.join(outputs)}",
            expected=f"the one that says what is better: --columns label={outputs[0]}",
        )
    own: dict[str, str] = {name: name.partition(":")[2] for name in names if name.startswith("INPUT:")}
    own |= {WHO: "annotator"} if "annotator" not in names else {}
    own |= {chosen[0]: "label"} if "label" not in names else {}
    gold = chosen[0].replace("OUTPUT:", "GOLDEN:") if chosen else ""
    own |= {gold: "gold"} if gold in names and "gold" not in names else {}
    when = next((name for name in TIMES if name in names), None)
    own |= {when: "time"} if when is not None and "time" not in names else {}
    given = [new for old, new in own.items() if old in names]
    rows.rename({old: new for old, new in own.items() if old in names and new not in names and given.count(new) == 1})
    return read_two_answers(rows)


def looks_like_toloka(rows: Rows) -> bool:
    """Tell whether there are inputs and an output, some of which the user may have named already."""
    return all(
        any(name.startswith(start) or name == own for name in rows.table.column_names)
        for start, own in (("INPUT:", "response_a"), ("OUTPUT:", "label"))
    )


TOLOKA = Format(
    "toloka",
    "Toloka's assignments: INPUT:, OUTPUT: and ASSIGNMENT: columns",
    (("ASSIGNMENT:*",),),
    read_toloka,
    looks=looks_like_toloka,
    over=("plain", "two-answers"),
    leaves_texts=True,
)
