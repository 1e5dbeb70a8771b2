"""Imports point one way, and importing votewise stays cheap."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import votewise

SOURCE = Path(votewise.__file__).parent

LAYERS = (
    ("errors", "_version"),
    ("votes", "comparisons", "results", "files", "journal", "endpoint", "models", "contests"),
    ("readers", "observation", "em"),
    ("outcomes", "engines"),
    ("counting",),
    ("counts",),
    ("crowd", "priors", "intervals", "calibration", "beliefs", "diagnostics", "tables"),
    ("simulate",),
    ("families", "win_rates"),
    ("fitting", "crowd_fit"),
    ("information",),
    ("crowd_beliefs",),
    ("reliability", "attentiveness"),
    ("gold", "select", "users", "drift", "report"),
    ("audit", "export"),
    ("filtering", "train"),
    ("generate", "score"),
    ("evaluate",),
    ("demo",),
    ("cli",),
)
"""From the ground up: a module imports from its own layer or from those before it."""

HEAVY = (
    "ibis",
    "duckdb",
    "altair",
    "vl_convert",
    "jinja2",
    "torch",
    "transformers",
    "trl",
    "accelerate",
    "peft",
    "datasets",
    "pandas",
    "polars",
    "rich",
    "openai",
    "lm_eval",
)
"""What `import votewise` must not load."""


def parts() -> list[str]:
    found = (path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists())
    return sorted(name for name in found if name not in ("__init__", "__main__"))


def imported_by(part: str) -> set[str]:
    """Names of the parts of votewise that the part imports, wherever in its files."""
    path = SOURCE / part
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    names = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "votewise":
                names |= {f"votewise.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module)
            elif isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("votewise.")} - {part}


def test_every_part_has_its_layer() -> None:
    assert sorted(name for layer in LAYERS for name in layer if name in parts()) == parts()


@pytest.mark.parametrize("part", parts())
def test_imports_point_one_way(part: str) -> None:
    layer_of = {name: i for i, layer in enumerate(LAYERS) for name in layer}
    upward = {name for name in imported_by(part) if layer_of[name] > layer_of[part]}
    assert not upward, f"{part} imports {', '.join(sorted(upward))} from above"


def test_importing_votewise_loads_nothing_heavy() -> None:
    code = "import sys, votewise; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "votewise" in loaded
    assert not set(HEAVY) & set(loaded)


def test_the_core_names_load_nothing_heavy() -> None:
    code = "import sys; from votewise import Votes, estimate_reliability; print(*{n.partition('.')[0] for n in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "numpy" in loaded
    assert not set(HEAVY) & set(loaded)


def test_help_loads_no_numbers() -> None:
    code = "import sys, votewise.cli; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"numpy", "pyarrow", "scipy", *HEAVY} - {"rich"} & set(loaded)


@pytest.mark.parametrize("name", votewise.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(votewise, name)
    assert value.__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'wisdom'"):
        votewise.wisdom  # noqa: B018
