"""Preparations while a workflow waits for something else than Python."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from importlib import import_module
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def prepared_meanwhile(*modules: str, then: Callable[[], object] | None = None) -> Iterator[None]:
    """Import modules in a thread, and do something else, while the block runs, which reads files and leaves a core idle.

    Only modules that import nothing in a circle with what the block imports: two threads could see such modules half-made.
    Nothing depends on it: what fails here is done, and fails, again where it is needed.
    """

    def prepare() -> None:
        for name in modules:
            with suppress(Exception):
                import_module(name)
        if then is not None:
            with suppress(Exception):
                then()

    thread = threading.Thread(target=prepare, daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@contextmanager
def entered(context: AbstractContextManager[T], *, during: AbstractContextManager[None]) -> Iterator[T]:
    """Enter a context within another one that has ended before the block begins."""
    with ExitStack() as stack:
        with during:
            value = stack.enter_context(context)
        yield value
