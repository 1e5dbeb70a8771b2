"""Data sets whose truth is known: annotators of known reliability, users of known attentiveness."""

from __future__ import annotations

from votewise.simulate.annotators import SimulatedVotes, simulate_annotators
from votewise.simulate.priors import LogisticNormal, Mixture, Points, Prior, read_prior
from votewise.simulate.users import SimulatedUsers, simulate_users

__all__ = [
    "LogisticNormal",
    "Mixture",
    "Points",
    "Prior",
    "SimulatedUsers",
    "SimulatedVotes",
    "read_prior",
    "simulate_annotators",
    "simulate_users",
]
