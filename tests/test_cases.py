"""The small inputs with known right answers beside the project: each is read rightly or refused clearly."""

from __future__ import annotations

import importlib.util
import json
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import shell

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases"
FOLDERS = sorted(path.parent for path in CASES.glob("*/expected.json"))

if not FOLDERS:
    pytest.skip(f"{CASES} is not there", allow_module_level=True)


@pytest.fixture(scope="module")
def check() -> ModuleType:
    """The script that says whether a case is right, with votewise run in this process."""
    spec = importlib.util.spec_from_file_location("check_cases", CASES / "check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def run(command: list[Any], timeout: int = 120) -> tuple[int, str]:
        ended = shell.run(*command[1:])
        return ended.code, ended.shown

    module.run = run  # type: ignore[attr-defined]
    return module


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_case_is_read_rightly_or_refused_clearly(check: ModuleType, folder: Path) -> None:
    want = json.loads((folder / "expected.json").read_text("utf-8"))
    source = want["input"] if "://" in want["input"] else str(folder / want["input"])
    with tempfile.TemporaryDirectory() as out:
        fault = (check.filtering if "filter" in want else check.reading)("votewise", source, want, out)
    assert fault is None
