"""Votes whose every text tries to break out of the page, and what an audit makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from votewise.readers import read_votes
from votewise.reliability import estimate_reliability
from votewise.results import ReliabilityResult
from votewise.votes import Votes

EVIL = "<script>document.title='HACKED'</script></style></script><img src=x onerror=alert(1)>{{ 7*7 }}\"'&<!--"


def rows(texts: bool = True, times: bool = True, evil: bool = False) -> list[dict[str, Any]]:
    """300 votes by 12 annotators on 60 pairs; annotator 11 is an adversary who gives reasons."""
    rng = np.random.default_rng(0)
    found = []
    for number in range(300):
        pair, annotator = number // 5, (number // 5 + 2 * (number % 5)) % 12
        right = annotator != 11 and rng.random() < 0.85
        row: dict[str, Any] = {
            "pair": f"p{pair}" + (EVIL if evil else ""),
            "annotator": f"w{annotator}" + (EVIL if evil else ""),
            "label": "a" if right else "b",
            "reason": (EVIL if evil else "because") if annotator == 11 else None,
            "domain": EVIL if evil else "sums",
        }
        if texts:
            row |= {
                "prompt": f"{EVIL if evil else 'question'} {pair}",
                "response_a": f"good {EVIL if evil else ''} {pair}" + " long" * 400,
                "response_b": f"bad {pair}",
            }
        if times:
            row["time"] = f"2026-0{1 + number // 60}-10T10:00:00"
        found.append(row)
    return found


def audit(**options: bool) -> tuple[Votes, ReliabilityResult]:
    """The votes above and the beliefs about them."""
    votes = read_votes(rows(**options), format="plain")
    return votes, estimate_reliability(votes)


@pytest.fixture(scope="session")
def plain() -> tuple[Votes, ReliabilityResult]:
    return audit()


@pytest.fixture(scope="session")
def hostile() -> tuple[Votes, ReliabilityResult]:
    return audit(evil=True)


@pytest.fixture
def audited() -> Callable[..., tuple[Votes, ReliabilityResult]]:
    """The function that makes votes, with options, and beliefs about them."""
    return audit
