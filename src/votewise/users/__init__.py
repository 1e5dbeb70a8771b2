"""Clicks -> beliefs about users."""
