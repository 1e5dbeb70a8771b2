import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

import votewise
from shell import process
from votewise.cli import app, main

ROOT = Path(__file__).parents[2]


def commands(group: Any = None, path: str = "") -> dict[str, Any]:
    """Every command by its path, groups and their commands included."""
    group = group or typer.main.get_command(app)
    found = {path: group}
    for name, command in getattr(group, "commands", {}).items():
        found |= commands(command, f"{path} {name}".strip())
    return found


@pytest.mark.parametrize("name", commands())
def test_every_command_and_option_has_help(name: str) -> None:
    command = commands()[name]
    assert len(command.help) > 20
    assert name == "" or "votewise " in command.help, "no example"
    assert all(parameter.help for parameter in command.params)


def test_the_page_about_the_command_line_is_up_to_date() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {"__name__": "generate_cli", "__file__": str(ROOT / "docs" / "generate_cli.py")}
    exec(compile((ROOT / "docs" / "generate_cli.py").read_text(encoding="utf-8"), "generate_cli.py", "exec"), names)
    assert page == names["render"](), "run `make docs`"
    for name, command in commands().items():
        assert f"## `votewise {name}`".replace(" `", "`") if name == "" else f"## `votewise {name}`" in page
        assert all(f"`{option}`" in page for p in command.params for option in p.opts if option.startswith("-"))


def run(*arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(process(*arguments), capture_output=True, text=True, **settings)


def test_version_and_help() -> None:
    assert run("--version").stdout.startswith("votewise ")
    shown = run("--help")
    assert shown.returncode == 0
    assert all(name in shown.stdout for name in commands() if " " not in name)


def test_an_unknown_option_is_not_a_traceback() -> None:
    shown = run("audit", "votes.csv", "--wisdom")
    assert shown.returncode == 2
    assert "No such option" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_a_closed_pipe_is_quiet() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        ended = subprocess.run(process("formats"), stdout=closed, stderr=subprocess.PIPE, text=True)
    assert "Traceback" not in ended.stderr
    assert "Exception" not in ended.stderr


def test_an_interruption_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("votewise.workflows.audit.audit", interrupt)
    with pytest.raises(SystemExit) as ended:
        main(["audit", "votes.csv"])
    assert ended.value.code == 130


def test_formats_lists_them_all(capsys: pytest.CaptureFixture[str], end: Callable[..., int]) -> None:
    from votewise.sources.registry import FORMATS

    assert end("formats") == 0
    shown = capsys.readouterr().out
    assert all(f" {name} " in shown for name in FORMATS)


def test_python_runs_the_package_as_the_command() -> None:
    ended = subprocess.run([sys.executable, "-m", "votewise", "--version"], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, f"votewise {votewise.__version__}\n")
