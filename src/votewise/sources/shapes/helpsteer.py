"""nvidia/HelpSteer3, preference: scores from -3 (response 1 much better) to 3 (response 2 much better)."""

from __future__ import annotations

import re
from typing import Any

from votewise.sources.canonical import Canonical, from_votes
from votewise.sources.format import Format
from votewise.sources.nested import entries, get, text
from votewise.sources.rows import Rows
from votewise.sources.texts.messages import answers

NOTE = "The source names no annotators: 'position 1' stands for the first annotator of each row, not for one person."
WHOLE = re.compile(r"[+-]?\d{1,3}")
"""Whole numbers in a CSV, which holds texts."""
EXPECTED = "a whole number from -3 (response 1 much better) to 3"


def read_helpsteer(rows: Rows) -> Canonical:
    """Read every individual preference as one vote, or the overall one as a vote of ``overall`` where there are none."""
    texts = {name: column.to_pylist() for name, column in answers(rows, "context", "response1", "response2").items()}
    overall = rows.values("overall_preference")
    individual = rows.values("individual_preference") if rows.has("individual_preference") else [None] * len(rows)
    domains = rows.values("domain") if rows.has("domain") else [None] * len(rows)
    votes: list[dict[str, Any]] = []
    for i in rows.kept().tolist():
        given = [
            (f"position {j}", f"individual_preference[{j - 1}].score", get(entry, "score"), get(entry, "reasoning"))
            for j, entry in enumerate(entries(rows, i, individual[i], "individual_preference"), 1)
        ] or [("overall", "overall_preference", overall[i], None)]
        for annotator, where, value, reason in given:
            spelt = annotator == "overall" and isinstance(value, str) and WHOLE.fullmatch(value.strip())
            score = int(value) if spelt else value
            if isinstance(score, bool) or not isinstance(score, int | float) or score not in range(-3, 4):
                whole = annotator == "overall"
                rows.reject(i, "is not a preference", column=where, value=value, expected=EXPECTED, whole=whole)
                continue
            label = "a" if score < 0 else "b" if score > 0 else "tie"
            rows.tell(where.split("[")[0], score, label)
            vote = {"row": i, "annotator": annotator, "label": label}
            vote |= {name: column[i] for name, column in texts.items()}
            votes.append(vote | {"reason": text(reason), "domain": text(domains[i])})
    return from_votes(rows, votes, shown=True, notes=(NOTE,), guarded=True)


HELPSTEER = Format(
    "helpsteer3",
    "nvidia/HelpSteer3 preferences from -3 to 3",
    (("context",), ("response1",), ("response2",), ("overall_preference",)),
    read_helpsteer,
    leaves_texts=True,
)
