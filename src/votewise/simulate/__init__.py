"""Data sets whose truth is known: annotators of known reliability, users of known attentiveness."""

from __future__ import annotations

from votewise.simulate.annotators import SimulatedVotes, simulate_annotators
from votewise.simulate.clicks_files import made_up_comparisons, read_comparisons, write_clicks
from votewise.simulate.crowds import SimulatedCrowd, TruePairs, plan_crowd, simulate_crowd
from votewise.simulate.priors import LogisticNormal, Mixture, Points, Prior, read_prior
from votewise.simulate.profiles import KINDS, Profile, read_profile
from votewise.simulate.users import SimulatedUsers, simulate_users
from votewise.simulate.votes_files import write_votes

__all__ = [
    "KINDS",
    "LogisticNormal",
    "Mixture",
    "Points",
    "Prior",
    "Profile",
    "SimulatedCrowd",
    "SimulatedUsers",
    "SimulatedVotes",
    "TruePairs",
    "made_up_comparisons",
    "plan_crowd",
    "read_comparisons",
    "read_prior",
    "read_profile",
    "simulate_annotators",
    "simulate_crowd",
    "simulate_users",
    "write_clicks",
    "write_votes",
]
