"""Imports while a workflow waits for something else than Python."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module


@contextmanager
def imported_meanwhile(*modules: str) -> Iterator[None]:
    """Import modules in a thread while the block runs, which reads files and leaves a core idle at times.

    Only modules of other libraries that the block does not import itself: two threads that import the same modules in
    different orders could see them half-made. A module that cannot be imported says so where it is used.
    """

    def import_all() -> None:
        for name in modules:
            with suppress(Exception):
                import_module(name)

    thread = threading.Thread(target=import_all, daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()
