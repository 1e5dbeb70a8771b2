"""The web service of a collection: ``votewise collect serve``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from votewise.errors import BadInputError, needs

if TYPE_CHECKING:
    import os


def collect_serve(
    folder: str | os.PathLike[str],
    *,
    host: str = "127.0.0.1",
    port: int = 8620,
    started: Callable[[str], None] | None = None,
) -> None:
    """Serve a collection's API until the process is interrupted.

    Args:
        folder: the folder that ``collect_init`` made.
        host: the address to listen at; ``0.0.0.0`` for all of this machine's, behind a server that speaks HTTPS.
        port: the port; 0 for any that is free.
        started: called with the service's address when it listens.

    Raises:
        BadInputError: the folder cannot be opened, or the address cannot be listened at.
    """
    import socket

    with needs("collect", "collecting"):
        import uvicorn

        from votewise.collect.folder import open_collection
        from votewise.collect.service import make_service

    if not 0 <= port <= 65535:
        raise BadInputError("out of range", parameter="port", value=port, expected="0 to 65535")
    collection = open_collection(Path(folder))
    try:
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listening = socket.create_server((host, port), family=family)
        except OSError as error:
            raise BadInputError(
                f"cannot listen: {error.strerror or error}",
                source=f"{host}:{port}",
                expected="another --port or --host",
            ) from None
        with listening:
            if started is not None:
                shown = f"[{host}]" if ":" in host else host
                started(f"http://{shown}:{listening.getsockname()[1]}")
            settings = uvicorn.Config(
                make_service(collection), log_level="warning", access_log=False, server_header=False
            )
            uvicorn.Server(settings).run([listening])
    finally:
        collection.close()
