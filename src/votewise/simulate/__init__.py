"""Data sets whose truth is known: annotators of known reliability, users of known attentiveness."""

from __future__ import annotations

from votewise.simulate.annotators import SimulatedVotes, simulate_annotators
from votewise.simulate.click_files import made_up_comparisons, read_comparisons, write_clicks
from votewise.simulate.distributions import LogisticNormal, Mixture, Points, Prior, read_prior
from votewise.simulate.profiles import KINDS, Profile, read_profile
from votewise.simulate.users import SimulatedUsers, simulate_users
from votewise.simulate.vote_files import write_votes
from votewise.simulate.votes import SimulatedCrowd, TruePairs, plan_votes, simulate_crowd

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
    "plan_votes",
    "read_comparisons",
    "read_prior",
    "read_profile",
    "simulate_annotators",
    "simulate_crowd",
    "simulate_users",
    "write_clicks",
    "write_votes",
]
