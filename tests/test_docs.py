"""The docs name what exists: modules, functions, files, commands of make, links. And the language is plain everywhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

import votewise
from votewise.annotators.flags import FLAGS
from votewise.cli import app as votewise_app
from votewise.users.select import USER_FLAGS

ROOT = Path(__file__).resolve().parents[1]
SOURCE = Path(votewise.__file__).parent
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "recipes" / "README.md", *(ROOT / "docs").rglob("*.md")]
)
FOLDERS = "benchmarks|docs|experiments|recipes|src|tests"
"""Folders of the repository: whatever a page names in them is there."""

OPTIONS_ON = ("evaluating", "formats", "generating_and_scoring", "method", "numbers", "simulating")
"""Pages on which every option is one of votewise's; others name those of scripts and of TRL as well."""

PLAIN = (
    r"turn(s|ed|ing)? (it |them |votes |labels )?round",
    r"\bways? round",
    r"go(es|ing)? on (where|from there|all the same|with)\b",
    r"\ball the same\b",
    r"what noise makes of",
    r"\bwho(m|se) to (believe|trust)",
    r"who can be believed",
    r"(?<!there )\b(is|are) no (ties?|numbers?|error|table|crowd|preference|finding|labels?|assignment|answer|vote|text)\b",
    r"\bbut for (the|rounding)\b",
    r"\bfor want of\b",
    r"\blest\b",
    r"one's own",
    r"\b(as|what) [^.]{1,40} (has|have) it\b",
    r"\bas it fell\b",
    r"c[oa]mes? to believe",
    r"\bbelieves? (itself|themselves)",
    r"\bto the letter\b",
    r"\bhangs? together",
    r"is (his|her|its|their) affair",
    r"tells? the truths",
    r"\bin its midst\b",
    r"\bforetell|\bforetold",
    r"whatever the rest says",
    r"\b(tells?|told|says?|said|knows?) of\b",
    r"\bmend(s|ed)?\b",
)
"""Phrases that an engineer whose second language is English has to read twice. Each has a plain replacement."""


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def python_blocks(page: Path) -> Iterator[ast.Module]:
    for block in re.findall(r"^```python\n(.*?)^```", text_of(page), re.DOTALL | re.MULTILINE):
        yield ast.parse(block)


def names_on(page: Path) -> set[str]:
    """Full names of modules, functions and classes of votewise that a page mentions or imports."""
    found = set(re.findall(r"(?<![\w/.@-])votewise(?:\.[A-Za-z_]\w*)+", text_of(page)))
    for block in python_blocks(page):
        for node in ast.walk(block):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "votewise":
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def exists(name: str) -> bool:
    """Whether a module of this name can be imported, or something of this name is in one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value = import_module(".".join(parts[:length]))
        except ModuleNotFoundError as error:
            if error.name and error.name.partition(".")[0] != "votewise":
                pytest.skip(f"{name} needs {error.name}")
            continue
        for attribute in parts[length:]:
            if not hasattr(value, attribute):
                return False
            value = getattr(value, attribute)
        return True
    return False


def defined_in(file: Path) -> set[str]:
    """Names at the top of a module, and ``Class.method`` of its classes."""
    found: set[str] = set()
    for node in ast.parse(text_of(file)).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
        if isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found


def place_of(path: str) -> Path | None:
    """The file or folder that a page means by a path in the repository or in the package."""
    return next((base / path for base in (ROOT, SOURCE, ROOT / "experiments") if (base / path).exists()), None)


@pytest.mark.slow  # the first name in votewise.train loads PyTorch and TRL
@pytest.mark.parametrize("page", PAGES, ids=named)
def test_names_exist(page: Path) -> None:
    assert {name for name in names_on(page) if not exists(name)} == set()


def test_new_names_in_the_changelog_exist() -> None:
    moved = rows_below(ROOT / "CHANGELOG.md", "### Changed")
    names = {name for row in moved for name in re.findall(r"`(votewise(?:\.\w+)+)`", row[1])}
    assert len(names) > 20
    assert {name for name in names if not exists(name)} == set()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_files_exist(page: Path) -> None:
    text = text_of(page)
    paths = set(re.findall(rf"(?<![\w/.:$-])(?:{FOLDERS})/[\w./-]*[\w/]", text))
    parts = "|".join(sorted(folder.name for folder in SOURCE.iterdir() if folder.is_dir()))
    paths |= set(re.findall(rf"`((?:{parts})/(?:[\w/]+\.py)?)(?::[\w.]+)?`", text))
    paths |= set(re.findall(r"`([\w/]+\.py)(?::[\w.]+)?`", text))
    assert {path for path in paths if "NAME" not in path and place_of(path) is None} == set()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_functions_are_in_the_files_that_the_page_says(page: Path) -> None:
    missing = set()
    for path, name in re.findall(r"`([\w/]+\.py):([\w.]+)`", text_of(page)):
        file = place_of(path)
        if file is None or name not in defined_in(file):
            missing.add(f"{path}:{name}")
    assert missing == set()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    broken = set()
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if "://" in target:
            continue
        path, _, heading = target.partition("#")
        file = page.parent / path if path else page
        if not file.exists() or (heading and heading not in headings(file)):
            broken.add(target)
    assert broken == set()


def headings(page: Path) -> set[str]:
    """The names that links to a page's headings use, as GitHub makes them."""
    found = re.findall(r"^#+ (.*)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_targets_of_make_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text_of(page), re.MULTILINE)) <= targets


def command_lines(page: Path) -> list[list[str]]:
    """What a page says after ``votewise``, in code and in blocks of code, with continued lines in one."""
    text = text_of(page).replace("\\\n", " ")
    found = re.findall(r"`votewise ([^`\n]+)`", text) + re.findall(r"^ *(?:\$ )?votewise ([^#\n]+)", text, re.MULTILINE)
    return [line.split() for line in found]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_and_options_exist(page: Path) -> None:
    app = typer.main.get_command(votewise_app)
    missing = set()
    for words in command_lines(page):
        command: Any = app
        while hasattr(command, "commands") and words and not words[0].startswith("-"):
            if words[0] not in command.commands:
                break
            command = command.commands[words.pop(0)]
        if command is app:
            known = {"--version", "--help"}
        elif words and hasattr(command, "commands"):
            known = set()
            missing |= {f"{command.name} {words[0]}"} if re.fullmatch(r"[a-z-]+", words[0]) else set()
        else:
            known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        if command.name != "train":  # takes TRL's flags, too
            missing |= {word for word in words if re.match("--[a-z]", word) and word.partition("=")[0] not in known}
    assert missing == set()


def options_of(command: Any) -> set[str]:
    """Options of a command and of all commands below it."""
    found = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return found.union(*(options_of(inner) for inner in getattr(command, "commands", {}).values()))


@pytest.mark.parametrize("name", ["README.md", *(f"docs/{name}.md" for name in OPTIONS_ON)])
def test_options_in_sentences_exist(name: str) -> None:
    mentioned = set(re.findall(r"`(--[a-z][a-z-]*)[ `=]", text_of(ROOT / name)))
    assert mentioned <= options_of(typer.main.get_command(votewise_app))


def prose(file: Path) -> str:
    """The text of a file in one line, so that a phrase is found although lines end in it."""
    return re.sub(r"\s*\n\s*(?:#\s|[fr]?\")?\s*", " ", text_of(file)).lower()


WRITTEN = [
    *PAGES,
    *(
        file
        for folder in ("src", "tests", "benchmarks", "recipes")
        for file in sorted((ROOT / folder).rglob("*"))
        if file.suffix in (".py", ".j2", ".js", ".yaml") and file.name != Path(__file__).name
    ),
]


@pytest.mark.parametrize("phrase", PLAIN)
def test_the_language_is_plain(phrase: str) -> None:
    found = {named(file): match.group() for file in WRITTEN if (match := re.search(phrase, prose(file)))}
    assert found == {}


def rows_below(page: Path, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    section = text_of(page).split(f"\n{heading}\n", 1)[1]
    lines = [line.strip() for line in section.split("\n## ", 1)[0].splitlines() if line.strip().startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_the_house_has_every_part_in_the_order_of_imports() -> None:
    tree = ast.parse(text_of(ROOT / "tests" / "test_architecture.py"))
    layers = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "LAYERS"
    )
    known = [part for layer in layers for part in layer if not part.startswith("_")]
    listed = [part for row in rows_below(ROOT / "CONTRIBUTING.md", "## The house") for part in names_in(row[0])]
    assert sorted(listed) == sorted(known)
    layer_of = {part: number for number, layer in enumerate(layers) for part in layer}
    assert [layer_of[part] for part in listed] == sorted(layer_of[part] for part in listed)


def names_in(cell: str) -> list[str]:
    return [name.strip("`/ ").removesuffix(".py") for name in cell.split(",")]


def test_the_glossary_is_short_and_has_the_names_of_the_code() -> None:
    words = dict(rows_below(ROOT / "CONTRIBUTING.md", "## Glossary"))
    assert 15 <= len(words) <= 25
    assert {word: meaning for word, meaning in words.items() if meaning.count(".") != 1} == {}
    annotators, users = (part.partition(" for ")[0].strip() for part in words["flag"].rpartition(": ")[2].split(";"))
    assert annotators.split(", ") == list(FLAGS)
    assert users.split(", ") == list(USER_FLAGS)


NOT_IN = {
    "attentiveness": {"annotators", "sources"},
    "click": {"annotators", "evaluate", "train"},
    "comparison": {"annotators", "inference", "train"},
    "confidence": {"users", "evaluate", "generate", "simulate"},
    "contest": {"annotators", "inference", "sources", "users", "simulate", "train"},
    "flag": {"evaluate", "generate", "score", "sources", "train"},
    "group": {"evaluate", "users", "data", "demo", "generate", "score"},
    "level": {"sources", "report", "demo", "generate", "score", "storage", "simulate", "train"},
    "matchup": {"annotators", "inference", "sources", "train", "generate", "score"},
    "margin": {"users", "evaluate", "generate"},
    "posterior": {"evaluate", "generate", "score", "sources"},
    "reliability": {"users", "evaluate", "generate", "score", "sources"},
    "severity": {"sources", "storage", "generate", "score", "train"},
    "verdict": {"annotators", "inference", "users", "simulate", "train", "generate", "score"},
}
"""Parts of the house in which a word of the glossary, or a word that once had two meanings, names nothing."""


def names_given(path: Path) -> Iterator[str]:
    """The parameters, variables, fields and functions of a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name


def test_a_word_names_nothing_in_parts_where_it_would_mean_something_else() -> None:
    wrong = []
    for path in sorted((ROOT / "src" / "votewise").rglob("*.py")):
        part = path.relative_to(ROOT / "src" / "votewise").parts[0].removesuffix(".py")
        for name in names_given(path):
            word = name.lower().strip("_")
            found = next((w for w in (word, word.removesuffix("s"), word.removesuffix("es")) if w in NOT_IN), None)
            if found and part in NOT_IN[found]:
                wrong.append(f"{path.relative_to(ROOT)}: {name}")
    assert wrong == []


def test_the_flags_of_annotators_and_users_share_only_what_means_the_same() -> None:
    assert set(FLAGS) & set(USER_FLAGS) == {"unsure"}
