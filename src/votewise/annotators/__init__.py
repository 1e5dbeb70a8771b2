"""Votes -> beliefs about annotators, votes and pairs."""
