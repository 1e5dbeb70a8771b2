"""allenai/multipref: two ordinary and two expert workers' annotations per comparison."""

from __future__ import annotations

from typing import Any

from votewise.sources.canonical import Canonical, from_votes
from votewise.sources.format import Format
from votewise.sources.meanings.label_words import label_key
from votewise.sources.nested import amount, entries, get, moment, named
from votewise.sources.rows import Rows

GROUPS = ("normal_worker_annotations", "expert_worker_annotations")
EXPECTED = "A-is-clearly-better, A-is-slightly-better, Tie, or the same for B"
LABELS = {"tie": "tie"} | {f"{x}-is-{how}better": x for x in "ab" for how in ("", "clearly-", "slightly-")}


def read_multipref(rows: Rows) -> Canonical:
    """Read every annotation as one vote; ``comparison_id`` names the pair."""
    texts = [rows.text(name, stand_ins=True).to_pylist() for name in ("text", "completion_a", "completion_b")]
    pairs = rows.identifier("comparison_id").to_pylist()
    models = [rows.values(name) if rows.has(name) else [None] * len(rows) for name in ("model_a", "model_b")]
    groups = [(name, rows.values(name)) for name in GROUPS if rows.has(name)]
    votes: list[dict[str, Any]] = []
    for i in rows.kept().tolist():
        shared = {
            "row": i,
            "pair": pairs[i],
            "prompt": texts[0][i],
            "response_a": texts[1][i],
            "response_b": texts[2][i],
            "model_a": named(models[0][i]),
            "model_b": named(models[1][i]),
        }
        for name, column in groups:
            for j, annotation in enumerate(entries(rows, i, column[i], name)):
                vote = _vote(rows, i, f"{name}[{j}]", annotation)
                if vote is not None:
                    votes.append({**shared, **vote})
    return from_votes(rows, votes, shown=True)


def _vote(rows: Rows, row: int, where: str, annotation: Any) -> dict[str, Any] | None:
    annotator, preference = named(get(annotation, "evaluator")), get(annotation, "overall_pref")
    if annotator is None:
        value = get(annotation, "evaluator")
        rows.reject(row, "names no annotator", column=f"{where}.evaluator", value=value, expected="a name", whole=False)
        return None
    label = LABELS.get(label_key(preference).replace(" ", "-")) if isinstance(preference, str) else None
    if label is None:
        column = f"{where}.overall_pref"
        rows.reject(row, "unknown label", column=column, value=preference, expected=EXPECTED, whole=False)
        return None
    fine, time = moment(rows, row, get(annotation, "timestamp"), f"{where}.timestamp")
    if fine:
        rows.tell(where.split("[")[0], preference, label)
    seconds = amount(get(annotation, "time_spent"))
    return {"annotator": annotator, "label": label, "time": time, "seconds": seconds} if fine else None


MULTIPREF = Format(
    "multipref",
    "allenai/multipref: several annotators per comparison",
    (
        ("comparison_id",),
        ("text",),
        ("completion_a",),
        ("completion_b",),
        ("normal_worker_annotations", "expert_worker_annotations"),
    ),
    read_multipref,
    leaves_texts=True,
)
