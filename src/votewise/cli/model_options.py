"""Options of commands that run models, here or on a server: ``generate``, ``score`` and ``evaluate``."""

from __future__ import annotations

from typing import Annotated

import typer

from votewise.workflows.generate import DtypeName

BaseUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="The server, for example http://localhost:8000/v1. The key is taken from OPENAI_API_KEY.",
        show_default="OPENAI_BASE_URL, or OpenAI's",
    ),
]
Timeout = Annotated[float, typer.Option(metavar="SECONDS", help="How long to wait for an answer of the server.")]
Retries = Annotated[int, typer.Option(metavar="NUMBER", help="How often a failed request is tried again.")]
Concurrency = Annotated[int, typer.Option(metavar="NUMBER", help="How many requests are sent to the server at a time.")]
BatchSize = Annotated[
    int, typer.Option(metavar="NUMBER", help="How many texts the model reads at a time; they have similar lengths.")
]
Device = Annotated[str, typer.Option(metavar="NAME", help="Where the models run: `auto`, `cpu`, `cuda`, `cuda:1`.")]
Dtype = Annotated[
    DtypeName,
    typer.Option(
        metavar="auto|float32|bfloat16|float16",
        help="The number format of the models' weights; `auto` keeps the one they were saved in.",
    ),
]
ChatTemplate = Annotated[
    bool,
    typer.Option(
        " /--no-chat-template",
        help="Give texts to the model as they are, even if it has a chat template.",
        show_default=False,
    ),
]
Restart = Annotated[
    bool, typer.Option("--restart", help="Delete what an interrupted run has finished, and start from the beginning.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done; load no model, ask no server, write nothing.")
]
