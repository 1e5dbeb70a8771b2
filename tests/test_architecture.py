"""Imports point one way, no module is part of a circle, and importing votewise stays cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

import votewise

SOURCE = Path(votewise.__file__).parent
REPOSITORY = Path(__file__).resolve().parents[1]

LAYERS = (
    ("errors", "arrays", "defaults", "lazy_names", "_version"),
    ("storage",),
    ("data",),
    ("sources",),
    ("inference",),
    ("annotators", "users"),
    ("report",),
    ("simulate", "language_models"),
    ("generate", "train"),
    ("score",),
    ("evaluate",),
    ("judge",),
    ("collect",),
    ("demo",),
    ("workflows",),
    ("cli",),
    ("__main__",),
)
"""The parts of votewise from the ground up. A part imports from the layers below its own, never from its neighbours."""

ALONE = {"inference": {"errors", "arrays", "defaults"}, "data": {"errors", "arrays"}, "storage": {"errors"}}
"""Parts that may import even less than what lies below them."""

SAME_NAME = {
    "__init__": "every package has one",
    "job": "what is to be done, checked before anything is loaded: generate, judge, score",
    "run": "long work that can be interrupted and resumed: generate, judge, score",
    "read": "whatever is read goes through sources.read; the command and its workflow show what it would give",
    "select": "whom and what to keep: annotators, users",
    "fit": "EM: annotators, users",
    "estimate": "the public estimator: annotators, users",
    "results": "what the part returns",
    "tables": "results as tables: annotators, users",
    "annotators": "simulate.annotators draws them",
    "users": "simulate.users draws them",
    "votes": "simulate.votes draws them",
}
"""Modules whose name occurs twice because they do the same for their part, besides a command and its workflow."""

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
    "sqlalchemy",
    "alembic",
    "fastapi",
    "uvicorn",
)
"""What `import votewise` must not load."""

Graph = Mapping[str, set[str]]


def modules(folder: Path, package: str = "") -> dict[str, Path]:
    """Full module name -> file, for all Python files below a folder."""
    found = {}
    for file in sorted(folder.rglob("*.py")):
        parts = [package, *file.relative_to(folder).with_suffix("").parts]
        found[".".join(part for part in parts if part and part != "__init__")] = file
    return found


def imported(file: Path, name: str, known: Iterable[str]) -> set[str]:
    """Modules among ``known`` that a file imports, wherever in it: inside functions and for type checking, too."""
    known = set(known)
    names: set[str] = set()
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join(part for part in (*above, node.module) if part)
            for alias in node.names:
                full = f"{base}.{alias.name}".lstrip(".")
                names.add(full if full in known else base)
    return (names & known) - {name}


def graph(folder: Path, package: str = "") -> dict[str, set[str]]:
    known = modules(folder, package)
    return {name: imported(file, name, known) for name, file in known.items()}


def circle(imports: Graph) -> list[str]:
    """A circle of modules, each importing the next and the last one the first; empty where there is none."""
    done: set[str] = set()

    def search(name: str, way: list[str]) -> list[str]:
        if name in way:
            return way[way.index(name) :]
        if name in done:
            return []
        for other in sorted(imports[name]):
            if found := search(other, [*way, name]):
                return found
        done.add(name)
        return []

    return next((found for name in sorted(imports) if (found := search(name, []))), [])


def part_of(module: str) -> str:
    return module.split(".")[1]


IMPORTS = {name: found for name, found in graph(SOURCE, "votewise").items() if name != "votewise"}


@pytest.mark.parametrize(
    "imports",
    [
        pytest.param(IMPORTS, id="src"),
        *(pytest.param(graph(REPOSITORY / name), id=name) for name in ("experiments", "benchmarks")),
    ],
)
def test_no_module_is_part_of_a_circle(imports: Graph) -> None:
    known = {name: found & imports.keys() for name, found in imports.items()}
    found = circle(known)
    assert not found, " -> ".join([*found, *found[:1]])


def test_a_circle_is_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == ["b", "c"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_lazy_imports_and_those_for_type_checkers_are_seen(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("def f():\n    import two\n", encoding="utf-8")
    (tmp_path / "two.py").write_text("if TYPE_CHECKING:\n    from three import x\n", encoding="utf-8")
    (tmp_path / "three.py").write_text("from . import one\n", encoding="utf-8")
    assert circle(graph(tmp_path)) == ["one", "two", "three"]


def test_every_part_has_its_layer() -> None:
    assert {part_of(name) for name in IMPORTS} == {part for layer in LAYERS for part in layer}


@pytest.mark.parametrize("name", sorted(IMPORTS))
def test_imports_point_one_way(name: str) -> None:
    layer_of = {part: number for number, layer in enumerate(LAYERS) for part in layer}
    part = part_of(name)
    others = {other for other in IMPORTS[name] if other != "votewise" and part_of(other) != part}
    upward = {other for other in others if layer_of[part_of(other)] >= layer_of[part]}
    assert not upward, f"{name} imports {', '.join(sorted(upward))}, which is not below it"
    if part in ALONE:
        beyond = {other for other in others if part_of(other) not in ALONE[part]}
        assert not beyond, f"{name} imports {', '.join(sorted(beyond))}"


def test_few_files_lie_at_the_root() -> None:
    assert len(list(SOURCE.glob("*.py"))) <= 8


def test_no_class_name_occurs_twice() -> None:
    places = defaultdict(list)
    for module, file in modules(SOURCE, "votewise").items():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(module)
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_no_module_name_occurs_twice_without_a_reason() -> None:
    places = defaultdict(set)
    for file in SOURCE.rglob("*.py"):
        name = file.relative_to(SOURCE)
        places[file.stem].add(str(name.parent))
        if file.stem == "__init__" and len(name.parts) > 1:
            places[name.parts[-2]].add(str(name.parent.parent))
    twice = {name: where for name, where in places.items() if len(where) > 1 and name not in SAME_NAME}
    # A command, the workflow that it calls and what prints its result have one name.
    unexplained = {name: where for name, where in twice.items() if where - {"cli", "cli/printing", "workflows", "."}}
    assert unexplained == {}


def loaded_by(code: str) -> set[str]:
    """Top-level modules that are loaded after running ``code``."""
    code += "; import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())


def test_importing_votewise_loads_nothing_heavy() -> None:
    loaded = loaded_by("import votewise")
    assert "votewise" in loaded
    assert not set(HEAVY) & loaded


def test_the_core_names_load_nothing_heavy() -> None:
    loaded = loaded_by("from votewise import Votes, estimate_reliability")
    assert "numpy" in loaded
    assert not set(HEAVY) & loaded


def test_help_loads_no_numbers() -> None:
    loaded = loaded_by("import votewise.cli")
    assert not ({"numpy", "pyarrow", "scipy", *HEAVY} - {"rich"}) & loaded


@pytest.mark.parametrize("name", votewise.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(votewise, name)
    assert value.__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'wisdom'"):
        votewise.wisdom  # noqa: B018
