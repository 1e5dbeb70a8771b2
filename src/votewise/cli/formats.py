"""``votewise formats``: what can be read."""

from __future__ import annotations


def formats() -> None:
    """List the formats that votes can be read from.

    They are told apart by their columns; `votewise audit --format NAME` chooses one by name.

    **Example:** `votewise formats`
    """
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from votewise.sources.registry import FORMATS

    table = Table("Format", "What it is", box=box.SIMPLE_HEAD)
    for name, shape in FORMATS.items():
        table.add_row(f"[bold]{escape(name)}[/bold]", escape(shape.description))
    Console().print(table)
