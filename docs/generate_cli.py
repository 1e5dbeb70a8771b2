"""Write docs/cli.md from the commands themselves.

Run: python docs/generate_cli.py
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from votewise.cli import app

TARGET = Path(__file__).with_name("cli.md")
HEAD = """# The command line

Generated from the code by `make docs`; do not edit.

Exit codes: 0 success; 2 input or settings that cannot be used, explained in one line on stderr; 3 the votes do not
determine the answer (`votewise audit --force` continues); 130 interrupted.
"""


def render() -> str:
    """Render the whole page."""
    root = typer.main.get_command(app)
    parts = [HEAD, _section(root, "votewise", "##")]
    parts += [_section(command, f"votewise {name}", "##") for name, command in commands(root)]
    return "\n".join(parts)


def commands(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """List every command below a group with its path, ``evaluate win-rate``; groups come before their own commands."""
    for name, command in group.commands.items():
        yield path + name, command
        if hasattr(command, "commands"):
            yield from commands(command, f"{path}{name} ")


def _section(command: Any, path: str, mark: str) -> str:
    arguments = "".join(f" {p.metavar}" for p in command.params if p.param_type_name == "argument")
    usage = (
        f"{path}{arguments}"
        + (" [OPTIONS]" if command.params else "")
        + (" COMMAND" if hasattr(command, "commands") else "")
    )
    lines = [f"{mark} `{path}`", "", inspect.cleandoc(command.help), "", "```", usage, "```", ""]
    shown = [parameter for parameter in command.params if not getattr(parameter, "hidden", False)]
    if shown:
        lines += ["| | | default |", "|---|---|---|"]
    for parameter in shown:
        lines.append(f"| {_names(parameter)} | {_cell(parameter.help)} | {_default(parameter)} |")
    return "\n".join(lines).rstrip() + "\n"


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar}`"
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts) if name.strip())
    return names if parameter.is_flag else f"{names} `{_cell(parameter.metavar)}`"


def _default(parameter: Any) -> str:
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    if parameter.required:
        return "required"
    if getattr(parameter, "is_flag", False) or parameter.default is None:
        return ""
    return f"`{getattr(parameter.default, 'value', parameter.default)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
    print(f"Written: {TARGET}")
