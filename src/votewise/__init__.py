"""Votewise turns noisy preference votes into an aligned model that can be trusted.

The public names below are loaded when first used, so that ``import votewise`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from votewise._version import __version__

if TYPE_CHECKING:
    from votewise.attentiveness import AttentivenessResult, estimate_attentiveness
    from votewise.comparisons import Clicks, Counts
    from votewise.counts import count_comparisons
    from votewise.errors import BadInputError, NotIdentifiableError, VotewiseError
    from votewise.priors import Beta
    from votewise.readers import read_votes
    from votewise.reliability import estimate_reliability
    from votewise.report import write_audit_report, write_filter_report
    from votewise.results import Diagnostic, ReliabilityResult
    from votewise.simulate import simulate_annotators, simulate_users
    from votewise.votes import Reading, Votes
    from votewise.win_rates import Bounds, GoldSample

__all__ = [
    "AttentivenessResult",
    "BadInputError",
    "Beta",
    "Bounds",
    "Clicks",
    "Counts",
    "Diagnostic",
    "GoldSample",
    "NotIdentifiableError",
    "Reading",
    "ReliabilityResult",
    "Votes",
    "VotewiseError",
    "__version__",
    "count_comparisons",
    "estimate_attentiveness",
    "estimate_reliability",
    "read_votes",
    "simulate_annotators",
    "simulate_users",
    "write_audit_report",
    "write_filter_report",
]

_HOMES = {
    "AttentivenessResult": "votewise.attentiveness",
    "Bounds": "votewise.win_rates",
    "Clicks": "votewise.comparisons",
    "Counts": "votewise.comparisons",
    "GoldSample": "votewise.win_rates",
    "estimate_attentiveness": "votewise.attentiveness",
    "BadInputError": "votewise.errors",
    "Beta": "votewise.priors",
    "Diagnostic": "votewise.results",
    "NotIdentifiableError": "votewise.errors",
    "Reading": "votewise.votes",
    "ReliabilityResult": "votewise.results",
    "Votes": "votewise.votes",
    "VotewiseError": "votewise.errors",
    "count_comparisons": "votewise.counts",
    "estimate_reliability": "votewise.reliability",
    "read_votes": "votewise.readers",
    "simulate_annotators": "votewise.simulate",
    "simulate_users": "votewise.simulate",
    "write_audit_report": "votewise.report",
    "write_filter_report": "votewise.report",
}


def __getattr__(name: str) -> object:
    """Load a public name from its home; module attribute access ends here once per name."""
    if name not in _HOMES:
        raise AttributeError(f"module 'votewise' has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
