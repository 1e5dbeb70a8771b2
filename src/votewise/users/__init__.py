"""Clicks -> beliefs about users: how attentive each one is, and whose clicks to keep."""
