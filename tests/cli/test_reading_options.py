"""Every command that reads data takes the same options about reading, or it is said here why it lacks one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from votewise.cli import app, options

READING = ("--columns", "--label", "--criterion", "--split", "--one-annotator", "--on-error")

NOTHING_TO_READ = {
    "demo": "makes its own votes",
    "formats": "lists names",
    **{
        f"collect {name}": "keeps a database of its own, and products post to it"
        for name in ("init", "key", "serve", "status", "export", "erase", "migrate", "campaign", "invite")
    },
    "collect simulate": "makes its own votes; reliabilities are those of an audit",
    "evaluate benchmark": "runs other people's tasks",
    "export": "reads what `votewise audit` wrote, whose summary has the options",
}

LACKS: dict[str, dict[str, str]] = {
    "evaluate win-rate": {"--one-annotator": "nobody's name counts"},
    "evaluate matrix": {"--one-annotator": "nobody's name counts"},
    "evaluate import arena-hard": {"--criterion": "its judge is asked one question"},
    "filter": {"--one-annotator": "clicks without a user are nobody's"},
    "generate": dict.fromkeys(("--criterion", "--one-annotator"), "prompts are those of all questions and people"),
    "evaluate export alpaca-eval": dict.fromkeys(
        ("--label", "--criterion", "--one-annotator"), "there are no votes among answers"
    ),
    "evaluate export arena-hard": dict.fromkeys(
        ("--label", "--criterion", "--one-annotator"), "there are no votes among answers"
    ),
    "simulate users": dict.fromkeys(("--label", "--criterion", "--one-annotator"), "it makes the clicks itself"),
}


def commands(group: Any = None, path: str = "") -> dict[str, Any]:
    """Every command by its path, without groups."""
    found: dict[str, Any] = {}
    for name, command in (group or typer.main.get_command(app)).commands.items():
        inner = f"{path} {name}".strip()
        found |= commands(command, inner) if hasattr(command, "commands") else {inner: command}
    return found


@pytest.mark.parametrize("name", commands())
def test_a_command_that_reads_takes_the_options_about_reading(name: str) -> None:
    own = {option for parameter in commands()[name].params for option in parameter.opts}
    expected = set() if name in NOTHING_TO_READ else {*READING} - {*LACKS.get(name, {})}
    assert own & {*READING} == expected


@pytest.mark.parametrize("name", sorted({*commands()} - {*NOTHING_TO_READ}))
def test_the_options_are_the_shared_ones(name: str) -> None:
    """Label, criterion and split mean the same everywhere, and are declared once."""
    shared = {"label": options.Label, "criterion": options.Criterion, "split": options.Split}
    for parameter in commands()[name].params:
        if parameter.name in shared:
            assert parameter.help.startswith(shared[parameter.name].__metadata__[0].help)


def test_the_names_above_are_commands() -> None:
    assert {*NOTHING_TO_READ, *LACKS} <= {*commands()}


def test_the_page_about_reading_names_the_commands_and_what_they_lack() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reading_data.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[^|]*`) \| ([^|]*) \| [^|]* \|$", page, re.MULTILINE)
    told = {name: cell for names, cell in rows for name in re.findall(r"`([^`]*)`", names)}
    for name in {*commands()} - {*NOTHING_TO_READ}:
        listed = next(text for prefix, text in told.items() if name.startswith(prefix))
        said = {option for option in READING if f"`{option}`" in listed.split(";")[0]}
        all_but = listed.startswith("all")
        assert ({*READING} - said if all_but else said) == {*READING} - {*LACKS.get(name, {})}, listed
