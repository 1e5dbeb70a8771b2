"""Damaged inputs are refused in one line or read as what they state; processes do not crash, and no secret gets out.

What they state is read by other parsers (``tests/stated.py``). No reader can tell a bit that flipped inside a text of a file
without checksums, or that lines at the end of a file are missing: these count as read rightly, and nothing else does.
``make test`` tries some, ``make fuzz`` (VOTEWISE_FUZZ=0) all of ``tests/damage.py``.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from facts import found_facts

from damage import KINDS, PER_KIND, SECRET, Damaged, damaged
from shell import Ended, run
from stated import stated_rows
from votewise.sources import read_votes

ALL = bool(os.environ.get("VOTEWISE_FUZZ"))
AUDITED = 9
"""One input in this many is audited too; the number of kinds is not a multiple of it."""


ROWS = {"deep": 1, "truncated": 1, "concatenated": 50}
"""Kind -> the fewest rows that it still holds where it can be read; 25 for all others."""


def wrongly_read(item: Damaged) -> str:
    """How the votes of an input that can be read differ from those that it states; an empty text if they do not."""
    votes = read_votes(item.source)
    expected = read_votes(stated_rows(Path(item.source)))
    assert votes.reading is not None
    assert expected.reading is not None
    fewest = ROWS.get(item.name.rpartition(" ")[0], 25)
    if votes.reading.votes < fewest:
        return f"only {votes.reading.votes} of {fewest} rows are read"
    counts = [(r.votes, r.kept, r.repeated, r.skipped, r.rejected) for r in (votes.reading, expected.reading)]
    if counts[0] != counts[1] or found_facts(votes) != found_facts(expected):
        return f"read as other votes than it states: {counts}"
    return ""


def faults(item: Damaged, folder: str, audited: bool) -> tuple[int, str]:
    """What is wrong with the way in which an input ends; an empty text if nothing is."""
    read = run("read", "--", item.source)
    found = [complaint(read), wrongly_read(item) if read.code == 0 else ""]
    if audited:
        target = Path(folder)
        ended = run("audit", "--out", target, "--no-report", "--", item.source)
        found.append(complaint(ended))
        if ended.code != 0 and target.exists() and any(target.iterdir()):
            found.append(f"left {sorted(p.name for p in target.iterdir())}")
    return read.code, "; ".join(filter(None, found))


def complaint(ended: Ended) -> str:
    if SECRET in ended.shown:
        return "tells the secret"
    if ended.code == 0:
        return ""
    if ended.code not in (2, 3) or "Traceback" in ended.err:
        return f"exit code {ended.code}: {ended.err[-600:]}"
    lines = ended.err.strip().splitlines()
    return "" if len(lines) == 1 and lines[0].strip() else f"{len(lines)} lines: {ended.err[:300]}"


@pytest.mark.slow
def test_damaged_inputs_are_refused_in_one_line_or_read_as_they_state(tmp_path: Path) -> None:
    per_kind = PER_KIND if ALL else -(-200 // len(KINDS))
    inputs = list(damaged(tmp_path / "in", per_kind))
    context = multiprocessing.get_context("spawn")
    # In processes of their own: one that crashes breaks the pool, and that fails the test.
    with ProcessPoolExecutor(1 if not ALL else 2, mp_context=context) as pool:
        tasks = [
            pool.submit(faults, item, str(tmp_path / "out" / str(i)), i % AUDITED == 0) for i, item in enumerate(inputs)
        ]
        results = [task.result() for task in tasks]
    wrong = [f"{item.name}: {fault}" for item, (_, fault) in zip(inputs, results, strict=True) if fault]
    print(Counter(code for code, _ in results))
    ended = Counter((item.name.rpartition(" ")[0], code) for item, (code, _) in zip(inputs, results, strict=True))
    print(*(f"{kind}: {code}: {count}" for (kind, code), count in sorted(ended.items())), sep="\n")
    assert not wrong, f"{len(wrong)} inputs:\n" + "\n".join(wrong[:400])
