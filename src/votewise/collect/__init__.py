"""A service that gathers comparisons and votes in a database which the other commands read while it grows.

``folder`` makes a folder with settings and a database, ``states`` says how a comparison lives, ``asking`` and ``voting``
move it on, each move in one transaction; ``service`` is the API for products, and ``Client`` what they call it with. Nothing
here is loaded by other commands.
"""

from __future__ import annotations

from votewise.collect.client import Client, ServiceRefusedError

__all__ = ["Client", "ServiceRefusedError"]
