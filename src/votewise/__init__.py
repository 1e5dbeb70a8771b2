"""Votewise turns noisy preference votes into an aligned model that can be trusted."""

from votewise._version import __version__

__all__ = ["__version__"]
