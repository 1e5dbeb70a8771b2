"""Label Studio's JSON export of pairwise comparisons."""

from __future__ import annotations

from typing import Any

from votewise.sources.canonical import Canonical, from_votes
from votewise.sources.cells import is_text
from votewise.sources.format import Format
from votewise.sources.nested import amount, entries, get, moment, named, prompt_field, two_answers
from votewise.sources.rows import Rows

SIDES = {"left": "a", "right": "b"}


def read_labelstudio(rows: Rows) -> Canonical:
    """Read every annotation as one vote; left is response_a. Cancelled ones are skipped; without a choice it is a tie."""
    data, annotations = rows.values("data"), rows.values("annotations")
    votes: list[dict[str, Any]] = []
    cancelled = ties = 0
    for i in rows.kept().tolist():
        texts = _texts(rows, i, data[i])
        if texts is None:
            continue
        for j, annotation in enumerate(entries(rows, i, annotations[i], "annotations")):
            if get(annotation, "was_cancelled"):
                cancelled += 1
                continue
            vote = _vote(rows, i, f"annotations[{j}]", annotation)
            if vote is not None:
                ties += vote["label"] == "tie"
                votes.append({"row": i, **texts, **vote})
    notes = [f"{cancelled:,} cancelled annotations were skipped."] if cancelled else []
    if ties:
        notes.append(f"{ties:,} annotations without a choice were read as ties.")
    return from_votes(rows, votes, shown=True, skipped=cancelled, notes=notes)


def _texts(rows: Rows, row: int, data: Any) -> dict[str, Any] | None:
    fields = {k: v for k, v in data.items() if is_text(v)} if isinstance(data, dict) else {}
    both = two_answers(list(fields))
    if both is None:
        expected = "two texts, such as response_a and response_b or text1 and text2"
        rows.reject(row, "does not have two answers", column="data", value=data, expected=expected)
        return None
    prompt = prompt_field(list(fields), both)
    texts = {"response_a": fields[both[0]], "response_b": fields[both[1]]}
    return texts if prompt is None else {"prompt": fields[prompt], **texts}


def _vote(rows: Rows, row: int, where: str, annotation: Any) -> dict[str, Any] | None:
    who = get(annotation, "completed_by")
    annotator = named(get(who, "email")) or named(get(who, "id")) if isinstance(who, dict) else named(who)
    if annotator is None:
        rows.reject(
            row, "names no annotator", column=f"{where}.completed_by", value=who, expected="a user", whole=False
        )
        return None
    given = get(annotation, "result")
    if given is not None and not isinstance(given, list):
        expected = "a list of results"
        rows.reject(row, "is not a list", column=f"{where}.result", value=given, expected=expected, whole=False)
        return None
    results = [r for r in given or () if get(r, "type") == "pairwise"]
    chosen = get(results[0], "value", "selected") if results else None
    label = "tie" if not results else SIDES.get(chosen) if isinstance(chosen, str) else None
    if label is None:
        column = f"{where}.result"
        rows.reject(row, "unknown label", column=column, value=chosen, expected="left or right", whole=False)
        return None
    fine, time = moment(rows, row, get(annotation, "created_at"), f"{where}.created_at")
    seconds = amount(get(annotation, "lead_time"))
    return {"annotator": annotator, "label": label, "time": time, "seconds": seconds} if fine else None


LABELSTUDIO = Format(
    "labelstudio", "Label Studio's export of comparisons", (("data",), ("annotations",)), read_labelstudio
)
