"""What ``votewise formats`` prints."""

from __future__ import annotations

import pyarrow as pa
from rich import box
from rich.markup import escape
from rich.table import Table

from votewise.cli.printing.common import Screen


def print_formats(formats: pa.Table) -> None:
    """Print the formats' names and descriptions."""
    table = Table("Format", "What it is", box=box.SIMPLE_HEAD)
    for row in formats.to_pylist():
        table.add_row(f"[bold]{escape(row['name'])}[/bold]", escape(row["description"]))
    Screen().print(table)
