"""Whatever answers or scores a text: models on this machine and models behind a server."""
