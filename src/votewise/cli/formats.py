"""``votewise formats``: what can be read."""

from __future__ import annotations

from votewise.workflows import formats as workflow


def formats() -> None:
    """List supported input formats.

    They are recognised by their columns; `votewise audit --format NAME` chooses one by name.

    **Example:** `votewise formats`
    """
    from votewise.cli.printing.formats import print_formats

    print_formats(workflow.formats())
