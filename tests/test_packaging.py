"""What is installed: a light core, extras that say what they are for when they are missing, and a wheel that works."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from votewise.errors import BadInputError, MissingExtraError, needs

ROOT = Path(__file__).parents[1]
METADATA = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = METADATA["optional-dependencies"]
MODULES = {
    *("torch", "transformers", "trl", "peft", "accelerate", "datasets", "openai", "lm_eval", "psycopg", "pyspark"),
    *("vllm", "vl_convert", "tiktoken", "sqlalchemy", "alembic", "fastapi", "uvicorn"),
}
"""What a user may have left out."""

BLOCK = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

absent = set(sys.argv[1].split(","))
sys.meta_path.insert(0, Absent())
"""
RUN = BLOCK + "from votewise.cli import main; main(sys.argv[2:])"


def without(absent: set[str], *words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command where some libraries are not installed."""
    command = [sys.executable, "-c", RUN, ",".join(absent), *map(str, words)]
    here = os.environ | {"HF_HUB_OFFLINE": "1", "COLUMNS": "300"}
    return subprocess.run(command, cwd=cwd, env=here, capture_output=True, text=True, check=False, timeout=120)


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=!~ ;]", line, maxsplit=1)[0].lower().replace("_", "-") for line in requirements}


# Metadata


def test_the_core_is_light() -> None:
    heavy = {"torch", "transformers", "trl", "vl-convert-python", "matplotlib", "openai", "pyspark", "datasets"}
    assert not names(METADATA["dependencies"]) & heavy


def test_libraries_state_ranges_and_pins_are_elsewhere() -> None:
    pinned = [line for lines in (METADATA["dependencies"], *EXTRAS.values()) for line in lines if "==" in line]
    assert pinned == []
    unbounded = [line for line in METADATA["dependencies"] if not re.search(r"[<>]", line)]
    assert unbounded == []


def test_extras_are_those_that_messages_and_docs_name() -> None:
    assert set(EXTRAS) == {"train", "score", "endpoint", "eval", "postgres", "collect", "spark", "dev", "bench"}
    files = [*ROOT.glob("src/**/*.py"), *ROOT.glob("docs/*.md"), *ROOT.glob("recipes/*.md"), ROOT / "README.md"]
    named = {
        extra
        for file in files
        for found in re.findall(r"votewise\[([a-z,]+)\]|needs\(\"([a-z]+)\"", file.read_text("utf-8"))
        for extra in "".join(found).split(",")
    }
    assert named <= set(EXTRAS)
    assert {"train", "score", "endpoint", "eval"} <= named


def test_everything_required_is_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = names([line for line in lines if "==" in line])
    required = names([line for lines in (METADATA["dependencies"], *EXTRAS.values()) for line in lines]) - {"votewise"}
    assert required <= pins


def test_no_address_that_belongs_to_somebody_else() -> None:
    assert "urls" not in METADATA


# Extras that are missing


@pytest.fixture
def place(tmp_path: Path) -> Path:
    pair = {"prompt": "p", "response_a": "x", "response_b": "y", "annotator": "ann", "label": "a"}
    (tmp_path / "votes.jsonl").write_text(json.dumps(pair) + "\n", encoding="utf-8")
    answers = [json.dumps({"prompt": "p", "answer": model, "model": model}) for model in ("new", "old")]
    (tmp_path / "new.jsonl").write_text(answers[0] + "\n", encoding="utf-8")
    (tmp_path / "old.jsonl").write_text(answers[1] + "\n", encoding="utf-8")
    return tmp_path


HERE = ("--base-url", "http://127.0.0.1:9/v1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("train", ["train", "--votes", "votes.jsonl", "--model_name_or_path", "m", "--output_dir", "out"]),
        ("score", ["generate", "votes.jsonl", "--model", "m", "--out", "out.jsonl"]),
        ("score", ["score", "votes.jsonl", "--reward-model", "m", "--out", "out.jsonl"]),
        ("score", ["evaluate", "win-rate", "new.jsonl", "old.jsonl", "--reward-model", "m", "--out", "out"]),
        ("endpoint", ["generate", "votes.jsonl", "--backend", "endpoint", "--model", "m", *HERE, "--out", "out.jsonl"]),
        ("endpoint", ["evaluate", "win-rate", "new.jsonl", "old.jsonl", "--llm-judge", "m", *HERE, "--out", "out"]),
        ("eval", ["evaluate", "benchmark", "mmlu", "--model", "m", "--out", "out"]),
        ("postgres", ["audit", "postgres://nobody@127.0.0.1:9/votes?table=votes", "--out", "out"]),
        ("collect", ["collect", "init", "study"]),
        ("spark", ["audit", "pyspark://?table=votes", "--out", "out"]),
        ("spark", ["filter", "pyspark://?table=clicks", "--win-rate", "0.7", "--out", "out"]),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:2]),
)
def test_what_is_missing_is_one_line_with_the_extra(place: Path, extra: str, words: list[str]) -> None:
    ended = without(MODULES, *words, cwd=place)
    assert ended.returncode == 2, ended.stderr
    (line,) = ended.stderr.splitlines()
    assert line.startswith("votewise: ")
    assert "is not installed" in line
    assert f"pip install 'votewise[{extra}]'" in line


@pytest.mark.slow
@pytest.mark.parametrize("library", ["torch", "transformers", "accelerate", "trl", "peft"])
def test_a_library_that_others_hide_is_named(place: Path, library: str) -> None:
    pytest.importorskip("trl")
    ended = without(
        {library}, "train", "--votes", "votes.jsonl", "--model_name_or_path", "m", "--output_dir", "o", cwd=place
    )
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.splitlines()[-1].endswith(
        f"needs {library}, which is not installed: pip install 'votewise[train]'"
    )


def test_from_python_too(place: Path) -> None:
    code = BLOCK + "from votewise.train import RobustPreferenceTrainer"
    command = [sys.executable, "-c", code, ",".join(MODULES)]
    ended = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    assert ended.stderr.splitlines()[-1] == (
        "votewise.errors.MissingExtraError: votewise.train.RobustPreferenceTrainer needs torch, which is not installed: "
        "pip install 'votewise[train]'"
    )


@pytest.mark.slow
def test_the_core_audits_filters_and_exports_without_any_extra(place: Path) -> None:
    votes = place / "demo" / "simulated_votes.parquet"
    for words in (
        ["demo", "--quick", "--out", "demo"],
        ["audit", votes, "--out", "audit"],
        ["export", "audit", "--out", "train.jsonl"],
        ["simulate", "users", "--comparisons", 3000, "--users", 60, "--out", "clicks.parquet"],
        ["filter", "clicks.parquet", "--win-rate", 0.8, "--out", "filtered"],
    ):
        ended = without(MODULES, *words, cwd=place)
        assert ended.returncode == 0, ended.stderr
    for page in ("demo", "audit", "filtered"):
        assert "vegaEmbed" in (place / page / "report.html").read_text("utf-8")


def test_a_missing_library_is_both_an_import_error_and_bad_input() -> None:
    line = "training needs nowhere, which is not installed: pip install 'votewise[train]'"
    with pytest.raises(MissingExtraError, match=f"^{re.escape(line)}$") as caught, needs("train", "training"):
        import nowhere.to_be_found  # type: ignore[import-not-found]  # noqa: F401
    assert isinstance(caught.value, ImportError)
    assert isinstance(caught.value, BadInputError)


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"votewise\.nowhere"), needs("train", "training"):
        import votewise.nowhere  # type: ignore[import-not-found]  # noqa: F401
    with pytest.raises(RuntimeError, match="out of memory"), needs("train", "training"):
        raise RuntimeError("out of memory")


# The wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="hatchling is not installed, which builds the wheel")
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("votewise-*.whl")
    return built


@pytest.mark.slow
def test_the_wheel_has_what_the_source_has(wheel: Path) -> None:
    source = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src" / "votewise").rglob("*") if path.is_file()}
    wanted = {path for path in source if "__pycache__" not in path}
    with zipfile.ZipFile(wheel) as files:
        packed = {name for name in files.namelist() if ".dist-info/" not in name}
    assert packed == wanted


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < 1_700_000


@pytest.mark.slow
def test_the_wheel_works_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    """Installed with pip from the index; skipped where the index cannot be reached."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    bin_ = tmp_path / "venv" / "bin"
    install = [bin_ / "pip", "install", "--quiet", "--no-input", "--constraint", ROOT / "constraints.txt", wheel]
    ended = subprocess.run(install, capture_output=True, text=True, check=False, timeout=300)
    if ended.returncode and re.search(
        r"No matching distribution|connection|timed out|resolve|retries", ended.stderr, re.I
    ):
        pytest.skip(f"pip cannot reach its index: {ended.stderr.strip().splitlines()[-1]}")
    assert ended.returncode == 0, ended.stderr

    def run(*words: str) -> str:
        here = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        here["VOTEWISE_CACHE"] = str(tmp_path / "cache")
        found = subprocess.run(words, cwd=tmp_path, env=here, capture_output=True, text=True, check=False, timeout=120)
        assert found.returncode == 0, found.stderr
        return found.stdout

    assert "audit" in run(str(bin_ / "votewise"), "--help")
    run(str(bin_ / "votewise"), "demo", "--quick", "--out", "demo")
    assert "vegaEmbed" in (tmp_path / "demo" / "report.html").read_text("utf-8")
    installed = {line.partition("==")[0].lower() for line in run(str(bin_ / "pip"), "freeze").splitlines()}
    assert "votewise" in " ".join(installed)
    assert not installed & {"torch", "transformers", "trl", "datasets", "openai", "vl-convert-python", "matplotlib"}
