"""A local server that answers chat completions as a test tells it: statuses, headers, waits and broken connections."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """The server's reply; ``cut`` closes the connection without one.

    ``send`` takes over after the request is read: it gets the connection's file to write raw bytes to.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    wait: threading.Event | None = None
    send: Callable[[Any], None] | None = None


def said(text: str | None, *, reason: str = "stop", tokens: int = 3, **message: Any) -> Reply:
    """A chat completion with this text."""
    choice = {"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": text, **message}}
    usage = {"prompt_tokens": 1, "completion_tokens": tokens, "total_tokens": 1 + tokens}
    body = {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}
    return Reply(body=body)


def refused(status: int, message: str = "no", **headers: str) -> Reply:
    return Reply(status, {"error": {"message": message}}, {k.replace("_", "-"): v for k, v in headers.items()})


@dataclass
class Scripted:
    """The server: ``requests`` has the bodies of all requests so far, ``url`` is the base URL for a client."""

    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def asked(self, prompt: str) -> int:
        """How often this prompt was sent."""
        return sum(request["messages"][-1]["content"] == prompt for request in self.requests)


@contextmanager
def scripted_server(answer: Callable[[dict[str, Any], int], Reply]) -> Iterator[Scripted]:
    """Serve ``answer(request, how often this prompt was asked before)`` until the block ends."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                before = server.asked(request["messages"][-1]["content"])
                server.requests.append(request)
                server.keys.append(self.headers.get("Authorization", ""))
            reply = answer(request, before)
            if reply.wait is not None:
                reply.wait.wait(20)
            if reply.send is not None:
                self.close_connection = True
                with suppress(OSError):
                    reply.send(self.wfile)
                return
            if reply.cut:
                self.close_connection = True
                return
            content = reply.body.encode() if isinstance(reply.body, str) else json.dumps(reply.body).encode()
            try:
                self.send_response(reply.status)
                for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                self.close_connection = True  # the client no longer waits

        def log_message(self, *args: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server = Scripted(f"http://127.0.0.1:{http.server_address[1]}/v1")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join(5)
