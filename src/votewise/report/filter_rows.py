"""Rows of the filter report's tables: the prior's parameters, the families compared, and domains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from votewise.report.text import shorten
from votewise.users.results import AttentivenessResult

MAX_DOMAINS_DRAWN = 40
"""Most domains in the chart, those with the most comparisons."""

PARAMETERS = {
    "q": "share of users at the lower point",
    "low": "attentiveness at the lower point",
    "high": "attentiveness at the higher point",
    "c": "first shape, larger for more attentive users",
    "d": "second shape, larger for less attentive users",
    "weight": "share of users",
    "mean": "mean of the log-odds of attentiveness",
    "deviation": "standard deviation of the log-odds",
}


def named_parameters(result: AttentivenessResult) -> list[dict[str, Any]]:
    """The prior's parameters with their ``meaning``; in mixtures, names end in the number of the component."""
    found = []
    for row in result.parameters.to_pylist():
        stem, _, component = row["name"].partition("_")
        where = f"component {component}: " if component else ""
        found.append(row | {"meaning": where + PARAMETERS[stem] if stem in PARAMETERS else ""})
    return found


def families_compared(result: AttentivenessResult) -> list[dict[str, Any]]:
    """The families that were compared, best first, and how far the BIC of each is ``above`` the best one."""
    if result.choice is None:
        return []
    rows = sorted(result.choice.to_pylist(), key=lambda row: (row["bic"], row["family"]))
    return [row | {"above": row["bic"] - rows[0]["bic"]} for row in rows]


def drawn_domains(domains: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The domains with the most comparisons, in the given order; none where one win rate alone was given.

    A given win rate is its own interval.
    """
    if len(domains) == 1 and not domains[0]["fitted"]:
        return []
    busiest = sorted(domains, key=lambda row: -row["comparisons"])[:MAX_DOMAINS_DRAWN]
    names = {row["name"] for row in busiest}
    columns = ("name", "win_rate", "share", "comparisons")
    return [
        {column: row[column] for column in columns}
        | {end: row["win_rate"] if row[end] is None else row[end] for end in ("low", "high")}
        for row in domains
        if row["name"] in names
    ]


def distinct(names: Iterable[str]) -> list[str]:
    """Names short enough to print, with numbers where shortening made them equal."""
    short = [shorten(name or "all comparisons") for name in names]
    often, seen = Counter(short), Counter[str]()
    found = []
    for name in short:
        seen[name] += 1
        found.append(f"{name} ({seen[name]})" if often[name] > 1 else name)
    return found
