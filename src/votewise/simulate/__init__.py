"""Data sets whose truth is known: votes of annotators of known reliability, clicks of users of known attentiveness."""

from __future__ import annotations

from votewise.simulate.annotators import SimulatedVotes, simulate_annotators
from votewise.simulate.click_files import write_clicks
from votewise.simulate.comparisons import made_up_comparisons, read_comparisons
from votewise.simulate.distributions import LogisticNormal, Mixture, Points, Prior, read_prior
from votewise.simulate.profiles import KINDS, Profile, read_profile
from votewise.simulate.true_pairs import TruePairs
from votewise.simulate.users import ClickOptions, SimulatedUsers, simulate_users
from votewise.simulate.vote_files import write_votes
from votewise.simulate.votes import DrawnVotes, draw_votes, plan_votes

__all__ = [
    "KINDS",
    "ClickOptions",
    "DrawnVotes",
    "LogisticNormal",
    "Mixture",
    "Points",
    "Prior",
    "Profile",
    "SimulatedUsers",
    "SimulatedVotes",
    "TruePairs",
    "draw_votes",
    "made_up_comparisons",
    "plan_votes",
    "read_comparisons",
    "read_prior",
    "read_profile",
    "simulate_annotators",
    "simulate_users",
    "write_clicks",
    "write_votes",
]
