"""Whatever the shell can do is one call from Python, with the same names and defaults, and gives the same files.

A new workflow: add its command to ``WORKFLOWS``, and give it a case in ``CASES``.
"""

from __future__ import annotations

import ast
import atexit
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from contest_files import answers, comparison, write
from known_judges import always_first, reply_by, right_except, write_pairs
from scripted import scripted_server

import votewise
from shell import shell
from votewise import cli
from votewise.cli import app
from votewise.demo import make_demo_data
from votewise.evaluate import benchmarks
from votewise.evaluate.benchmark_figures import BenchmarkResult

WORKFLOWS: dict[str, Callable[..., Any]] = {
    "audit": votewise.audit,
    "collect init": votewise.collect_init,
    "collect key": votewise.collect_key,
    "collect serve": votewise.collect_serve,
    "collect status": votewise.collect_status,
    "collect export": votewise.collect_export,
    "collect simulate": votewise.collect_simulate,
    "collect erase": votewise.collect_erase,
    "collect migrate": votewise.collect_migrate,
    "collect campaign": votewise.collect_campaign,
    "collect invite": votewise.collect_invite,
    "collect import": votewise.collect_import,
    "evaluate win-rate": votewise.evaluate_win_rate,
    "evaluate matrix": votewise.evaluate_matrix,
    "evaluate benchmark": votewise.evaluate_benchmark,
    "evaluate export alpaca-eval": votewise.export_alpaca_eval,
    "evaluate export arena-hard": votewise.export_arena_hard,
    "evaluate import arena-hard": votewise.import_arena_hard,
    "demo": votewise.demo,
    "export": votewise.export,
    "filter": votewise.filter_clicks,
    "formats": votewise.formats,
    "generate": votewise.generate,
    "judge": votewise.judge,
    "jury": votewise.jury,
    "rank": votewise.rank_models,
    "read": votewise.read,
    "score": votewise.score,
    "simulate annotators": votewise.simulate_votes,
    "simulate users": votewise.simulate_clicks,
    "train": votewise.train,
}
"""Path of a command -> the workflow that it calls."""

PRINTING = {"quiet", "json"}
"""Options about what is printed, which Python has no use for."""

ONLY_IN_PYTHON: Mapping[str, Mapping[str, str]] = {
    "audit": {"groups": "the shell says it with --group and --group-column"},
    "collect serve": {"started": "the command prints the address"},
    "train": {
        "groups": "the shell says it with --group and --group-column",
        **dict.fromkeys(("settings", "options"), "the command passes on all options that it does not declare"),
    },
}
"""Path of a command -> parameter of its workflow that is no option -> why. ``progress`` is one everywhere."""

ONLY_IN_SHELL: Mapping[str, Mapping[str, str]] = {
    name: dict.fromkeys(("group", "group_column"), "they are what Python's groups can be")
    for name in ("audit", "train")
} | {"rank": {"group": "it is refused, with what to do instead"}}
"""Path of a command -> option that is no parameter of its workflow -> why."""

OTHER_DEFAULT: Mapping[str, Mapping[str, str]] = {"demo": {"out": "the command always writes"}}
"""Path of a command -> option whose default is not that of the parameter -> why."""

ALSO_BY_POSITION: Mapping[str, Mapping[str, str]] = {"train": {"config": "a recipe is nearly always given"}}
"""Path of a command -> option that comes first in its workflow -> why."""

MAY_IMPORT = (
    "votewise.cli",
    "votewise.workflows",
    "votewise.errors",
    "votewise.defaults",
    "votewise.sources.containers.naming",
)
"""What the files of the command line may import of votewise; ``printing/`` may import more."""

MAY_NOT_IMPORT = ("numpy", "scipy", "pyarrow", "torch", "json")
"""What gives away that a file of the command line computes, reads or writes something."""


def commands(group: Any = None, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its path: ``evaluate win-rate``."""
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path}{name} ")
        else:
            yield path + name, command


COMMANDS = dict(commands())


def name_of(parameter: Any) -> str:
    """What a command's argument or option is called in Python: ``--no-report`` is ``report``."""
    if parameter.param_type_name == "argument":
        return str(parameter.name)
    names = [name for name in (*parameter.opts, *parameter.secondary_opts) if name.startswith("--")]
    return names[0].removeprefix("--").removeprefix("no-").replace("-", "_")


def parameters_of(path: str) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(WORKFLOWS[path]).parameters)


def same_default(shell: Any, python: Any) -> bool:
    """Whether the shell's text means Python's value: ``1`` is 1.0, and no text is None."""
    shell, python = getattr(shell, "value", shell), getattr(python, "value", python)
    if shell is None or shell == () or shell == []:
        return python is None or python is inspect.Parameter.empty or python == ()
    if isinstance(python, int | float) and not isinstance(python, bool) and isinstance(shell, str):
        return float(shell) == python
    if isinstance(python, list | tuple) and isinstance(shell, list | tuple):
        return list(shell) == list(python)
    return bool(shell == python or str(shell) == str(python))


def test_every_command_has_a_workflow() -> None:
    assert COMMANDS.keys() == WORKFLOWS.keys()


@pytest.mark.parametrize("path", WORKFLOWS)
def test_options_and_parameters_have_the_same_names(path: str) -> None:
    options = {name_of(parameter) for parameter in COMMANDS[path].params} - PRINTING
    parameters = parameters_of(path).keys() - {"progress"}
    assert options - ONLY_IN_SHELL.get(path, {}).keys() == parameters - ONLY_IN_PYTHON.get(path, {}).keys()


@pytest.mark.parametrize("path", WORKFLOWS)
def test_options_and_parameters_have_the_same_defaults(path: str) -> None:
    parameters = parameters_of(path)
    for parameter in COMMANDS[path].params:
        name = name_of(parameter)
        if name in parameters and name not in OTHER_DEFAULT.get(path, {}):
            default = parameters[name].default
            assert same_default(parameter.default, default), f"--{name}: {parameter.default!r} and {default!r}"


@pytest.mark.parametrize("path", WORKFLOWS)
def test_arguments_come_first_and_everything_else_by_name(path: str) -> None:
    arguments = [p.name for p in COMMANDS[path].params if p.param_type_name == "argument"]
    parameters = parameters_of(path).values()
    positional = [p.name for p in parameters if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    assert positional == [*arguments, *ALSO_BY_POSITION.get(path, {})]
    by_name = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)
    assert all(p.kind in by_name for p in parameters if p.name not in positional)


def imports(file: Path) -> set[str]:
    """Every module that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def test_the_command_line_holds_no_logic() -> None:
    folder = Path(inspect.getfile(cli)).parent
    for file in folder.glob("*.py"):
        for module in imports(file):
            assert module.partition(".")[0] not in MAY_NOT_IMPORT, f"{file.name} imports {module}"
            allowed = any(module == part or module.startswith(f"{part}.") for part in MAY_IMPORT)
            assert allowed or not module.startswith("votewise.") or module == "votewise._version", (
                f"{file.name}: {module}"
            )


@dataclass(frozen=True)
class Case:
    """One run of a command: its arguments, its options, and what makes its inputs in an empty folder.

    Paths in ``arguments`` and ``options`` are relative to that folder. ``options`` have the names of the parameters; the
    command line is made from them.
    """

    path: str
    arguments: tuple[str | tuple[str, ...], ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    prepare: Callable[[Path], None] = lambda folder: None
    shell_only: tuple[str, ...] = ("--quiet",)


def make_votes(folder: Path) -> None:
    pq.write_table(make_demo_data(pairs=60).table, folder / "votes.parquet")


def make_battles(folder: Path) -> None:
    """Votes between three models, some of them ties."""
    winners = ("model_a", "model_b", "model_a", "tie")
    lines = [f"m{i % 3},m{(i + 1) % 3},{winners[i % 4]}\n" for i in range(120)]
    (folder / "battles.csv").write_text("model_a,model_b,winner\n" + "".join(lines), encoding="utf-8")


def make_unnamed_battles(folder: Path) -> None:
    """Votes between three models in two splits, on two questions, with own words; every third row names who voted."""
    for split in ("train", "test"):
        rows = [
            {
                "model_a": f"m{i % 3}",
                "model_b": f"m{(i + 1) % 3}",
                "verdict": "Left is better" if i % 7 < 4 else "Right is better",
                "who": f"w{i % 9}" if i % 3 == 0 else None,
                "criterion": "color" if i % 2 else "taste",
                "task": i // 2,
            }
            for i in range(240)
        ]
        (folder / "data").mkdir(exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows), folder / "data" / f"{split}-00000-of-00001.parquet")


def make_renamed_votes(folder: Path) -> None:
    lines = [f"p{i % 5},w{i // 5},{'ab'[i % 7 == 0]}\n" for i in range(25)] + ["p1,w1,perhaps\n"]
    (folder / "votes.csv").write_text("pair,who,label\n" + "".join(lines), encoding="utf-8")


def make_unnamed_votes(folder: Path) -> None:
    """Pairs with an own word for the better side, two questions and two splits; only every third row names who voted."""
    for split, first in (("train", 0), ("test", 3)):
        rows = [
            {
                "ask": f"question {i // 2 % 6}",
                "response_a": f"yes {i // 2 % 6}",
                "response_b": f"no {i // 2 % 6}",
                "verdict": "Left is better" if i % 5 else "Right is better",
                "who": f"w{i % 3 + first}" if i % 3 == 0 else None,
                "criterion": "color" if i % 2 else "taste",
                "x": float(i % 5),
                "y": float(i % 4),
            }
            for i in range(36)
        ]
        (folder / "data").mkdir(exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows), folder / "data" / f"{split}-00000-of-00001.parquet")


MAPPED: dict[str, Any] = {
    "columns": {"prompt": "ask", "label": "verdict", "annotator": "who"},
    "label": {"Left is better": "a", "Right is better": "b"},
    "criterion": "color",
    "split": "test",
    "one_annotator": "somebody",
}


def make_audit(folder: Path) -> None:
    make_votes(folder)
    votewise.audit("votes.parquet", out="audit", report=False)


def make_prompts(folder: Path) -> None:
    """Prompts and two tiny models."""
    pytest.importorskip("transformers")
    from small import language_model

    for seed, name in enumerate(("small", "large")):
        language_model(folder / name, seed=seed)
    (folder / "prompts.txt").write_text("w1 w2\nw3\n\nw1 w2\nw4 w5 w6\n", encoding="utf-8")


def make_scored_votes(folder: Path) -> None:
    rows = [
        {"pair": f"p{i}", "who": "k", "label": "ab"[i % 3 == 0], "x": float(i % 5), "y": float(i % 4)}
        for i in range(40)
    ]
    (folder / "votes.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


JUDGE = ExitStack()
"""Holds the judge's server, once for all cases, until the tests end."""


@cache
def judge_server() -> str:
    rules = {"m": right_except(1), "n": always_first}
    atexit.register(JUDGE.close)
    return JUDGE.enter_context(scripted_server(reply_by(**rules))).url


def make_judged_pairs(folder: Path) -> None:
    write_pairs(folder / "pairs.jsonl", 4)
    judges = [
        f'[[judge]]\nmodel = "{name}"\nbase_url = "{judge_server()}"\nprice_in = 1\nprice_out = 2\n' for name in "mn"
    ]
    (folder / "judges.toml").write_text("\n".join(judges), encoding="utf-8")
    (folder / "rubric.txt").write_text("Be brief.", encoding="utf-8")


def make_contests(folder: Path) -> None:
    rows = [comparison(i, *(("new", "old") if i % 3 else ("old", "new")), winner="ab"[i % 4 == 0]) for i in range(40)]
    write(folder / "contests.jsonl", rows)
    write(folder / "hard.jsonl", [{"prompt": f"prompt {i}", "difficulty": i / 20 - 1} for i in range(40)])


def make_arena(folder: Path) -> None:
    write(folder / "questions.jsonl", [{"uid": f"u{i}", "prompt": f"prompt {i}"} for i in range(5)])
    write(folder / "answers.jsonl", answers("mine", 5) + answers("base", 5))
    games = [{"score": "A>B"}, {"score": "A>>B"}]
    rows = [{"uid": f"u{i}", "judge": "gpt", "model": "mine", "baseline": "base", "games": games} for i in range(5)]
    write(folder / "judged.jsonl", rows)


def make_clicks(folder: Path) -> None:
    """Clicks of 60 users, 20 each, in two domains."""
    clicks = votewise.simulate_clicks(users=60, comparisons_per_user=20, made_up=500, seed=2).rows
    assert clicks is not None
    domains = ["code" if i % 3 else "prose" for i in range(len(clicks))]
    pq.write_table(clicks.append_column("domain", [domains]), folder / "clicks.parquet")


def make_collection(folder: Path) -> None:
    """A collection beside the folder, once for both runs: three people on six pairs."""
    from votewise.collect.asking import ComparisonRequest, GivenAnswer, create
    from votewise.collect.database import writing
    from votewise.collect.folder import open_collection
    from votewise.collect.product_keys import make_key, product_of
    from votewise.collect.voting import GivenVote, finalise_due, put_vote

    study = folder.parent / "study"
    if study.exists():
        return
    votewise.collect_init(study, model_a="m", model_b="n")
    collection = open_collection(study, clock=lambda: 1.7e9)
    with writing(collection.engine) as connection:
        product = product_of(connection, make_key(connection, "shop", 0.0))
        assert product is not None
        for number in range(18):
            both = {"left": GivenAnswer("m", f"x {number // 3}"), "right": GivenAnswer("n", f"y {number // 3}")}
            asked = ComparisonRequest(f"k{number}", f"u{number % 3}", f"ask {number // 3}", **both)
            row, _ = create(connection, collection, product, asked)
            put_vote(connection, collection, product, row.id, GivenVote("left" if number % 5 else "right"))
        finalise_due(connection, 1.7e9 + 20)
    collection.close()


def make_comparisons(folder: Path) -> None:
    rows = [{"prompt": f"ask {i}", "score_a": i % 7, "score_b": 3.0, "margin": i % 3 - 1.0} for i in range(40)]
    (folder / "scored.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


CASES = [
    Case("collect export", ("../study",), {"out": "train.jsonl", "min_confidence": 0.1}, make_collection),
    Case(
        "collect export",
        ("../study",),
        {"to": "comparisons", "win_rate": "0.8", "threshold": 0.05, "out": "train.parquet"},
        make_collection,
    ),
    Case("audit", ("votes.parquet",), {"out": "audit"}, make_votes),
    Case(
        "audit",
        ("votes.parquet",),
        {
            "out": "audit",
            "prior": "beta:5,2",
            "temperature": "0.5",
            "level": 0.9,
            "shared_pairs": False,
            "force": True,
            "report": False,
        },
        make_votes,
    ),
    Case(
        "audit",
        ("votes.csv",),
        {"out": "audit", "columns": {"annotator": "who"}, "on_error": "skip", "intervals": False, "force": True},
        make_renamed_votes,
    ),
    Case("audit", ("data",), {"out": "audit", **MAPPED, "force": True, "report": False}, make_unnamed_votes),
    Case("simulate annotators", ("data",), {"out": "again.jsonl", **MAPPED, "votes_per_pair": 2}, make_unnamed_votes),
    Case("score", ("data",), {"score_columns": ("x", "y"), **MAPPED, "out": "s.jsonl"}, make_unnamed_votes),
    Case("judge", ("pairs.jsonl",), {"judges": "judges.toml", "concurrency": 1, "out": "v.jsonl"}, make_judged_pairs),
    Case(
        "judge",
        ("pairs.jsonl",),
        {
            "judges": "judges.toml",
            "group": {"same": "*"},
            "rubric": "rubric.txt",
            "one_order": True,
            "repeats": 2,
            "limit": 3,
            "max_cost": 5.0,
            "concurrency": 1,
            "out": "v.parquet",
        },
        make_judged_pairs,
    ),
    Case("jury", ("votes.parquet",), {"out": "jury"}, make_votes),
    Case(
        "jury",
        ("votes.csv",),
        {
            "out": "jury",
            "group": {"own": "w[01]", "other": "w2"},
            "cost": {"w0": 2.0, "w1": 1.0},
            "columns": {"annotator": "who"},
            "on_error": "skip",
            "level": 0.9,
            "report": False,
        },
        make_renamed_votes,
    ),
    Case("rank", ("battles.csv",), {"out": "ranking"}, make_battles),
    Case(
        "rank",
        ("battles.csv",),
        {"out": "ranking", "ties": "davidson", "level": 0.9, "report": False, "on_error": "skip"},
        make_battles,
    ),
    Case(
        "rank",
        ("data",),
        {
            "out": "ranking",
            "annotator": "who",
            "columns": {"winner": "verdict", "pair": "task"},
            **{name: MAPPED[name] for name in ("label", "criterion", "split", "one_annotator")},
        },
        make_unnamed_battles,
    ),
    Case("demo", options={"out": "demo", "seed": 3, "quick": True}, shell_only=()),
    Case("export", ("audit",), {"out": "train.jsonl"}, make_audit),
    Case("export", ("audit",), {"out": "train.jsonl", "to": "openai", "flip_below": 0.2}, make_audit),
    Case("export", ("audit",), {"out": "t.parquet", "one_per_pair": True, "min_confidence": 0.9}, make_audit),
    Case("filter", ("clicks.parquet",), {"win_rate": "0.8", "out": "filtered"}, make_clicks),
    Case(
        "filter",
        ("clicks.parquet",),
        {
            "win_rate": {"code": "beta:8,2", "prose": "160/200"},
            "domain": "domain",
            "out": "filtered",
            "threshold": 0.4,
            "probability": 0.6,
            "keep_new": True,
            "prior": "beta",
            "level": 0.9,
            "report": False,
        },
        make_clicks,
    ),
    Case(
        "filter", ("clicks.parquet",), {"win_rate": "0.7..0.9", "out": "f", "keep": 0.5, "prior": "beta"}, make_clicks
    ),
    Case("simulate annotators", (), {"out": "votes.parquet", "pairs": 50, "spammers": 0.2, "seed": 4}),
    Case(
        "simulate annotators",
        ("votes.parquet",),
        {
            "out": "again.jsonl",
            "reliability": "0.9,0.6,0.2",
            "votes_per_pair": 2,
            "pairs": 30,
            "noise": 0.1,
            "texts": True,
        },
        make_votes,
    ),
    Case(
        "simulate annotators",
        (),
        {"out": "votes.csv", "annotators": 20, "votes_per_annotator": "5..15", "tired": 0.5, "tired_from": 0.2},
    ),
    Case(
        "simulate users",
        (),
        {"out": "clicks.csv", "users": 30, "comparisons_per_user": "5..9", "made_up": 100, "win_rate": 0.7, "seed": 5},
    ),
    Case(
        "simulate users",
        ("scored.jsonl",),
        {
            "out": "clicks.parquet",
            "prior": "two-point:0.2,0.2,0.98",
            "comparisons_per_user": "10",
            "follow": "sampled",
            "margin": "margin",
            "temperature": 0.5,
        },
        make_comparisons,
    ),
    Case("generate", ("prompts.txt",), {"model": ["small"], "out": "a.jsonl", "max_tokens": 3}, make_prompts),
    Case(
        "generate",
        ("prompts.txt",),
        {
            "model": ["small", "large"],
            "out": "a.parquet",
            "comparisons": "c.jsonl",
            "max_tokens": 4,
            "temperature": 0.7,
            "top_p": 0.9,
            "seed": 3,
            "batch_size": 2,
            "device": "cpu",
            "dtype": "float32",
            "chat_template": False,
            "limit": 2,
            "restart": True,
        },
        make_prompts,
    ),
    Case(
        "score",
        ("votes.jsonl",),
        {"score_columns": ("x", "y"), "fit_temperature": True, "columns": {"annotator": "who"}, "out": "s.jsonl"},
        make_scored_votes,
    ),
    Case("evaluate win-rate", ("contests.jsonl",), {"out": "new", "column": "winner", "report": False}, make_contests),
    Case(
        "evaluate win-rate",
        ("contests.jsonl",),
        {"out": "o", "model": "old", "length_controlled": True, "difficulty": "hard.jsonl", "level": 0.9},
        make_contests,
    ),
    Case("evaluate matrix", (("contests.jsonl",),), {"out": "m", "length_controlled": True}, make_contests),
    Case("evaluate benchmark", ("mmlu, gsm8k",), {"out": "b", "model": "m", "batch_size": 4, "chat_template": True}),
    Case("evaluate export alpaca-eval", ("answers.jsonl",), {"out": "outputs.json", "model": "mine"}, make_arena),
    Case(
        "evaluate export arena-hard",
        ("answers.jsonl",),
        {"out": "answers", "model": "mine", "questions": "questions.jsonl"},
        make_arena,
    ),
    Case(
        "evaluate import arena-hard",
        (("judged.jsonl",),),
        {"out": "j.parquet", "answers": ["answers.jsonl"], "questions": "questions.jsonl", "results": "e.json"},
        make_arena,
    ),
]


def shell_words(case: Case) -> list[str]:
    """The command line that says what the case says."""
    words = case.path.split()
    for argument in case.arguments:
        words += [argument] if isinstance(argument, str) else argument
    declared = {name_of(parameter): parameter for parameter in COMMANDS[case.path].params}
    for name, value in case.options.items():
        option = max((*declared[name].opts, *declared[name].secondary_opts), key=lambda text: text.startswith("--"))
        if isinstance(value, bool):
            off = option.startswith("--no-")
            words += [option] if value is not off else []
        elif isinstance(value, Mapping):
            words += [word for key, other in value.items() for word in (option, f"{key}={other}")]
        elif declared[name].nargs > 1:
            words += [option, *map(str, value)]
        elif isinstance(value, list | tuple):
            words += [word for item in value for word in (option, str(item))]
        else:
            words += [option, str(value)]
    return [*words, *case.shell_only]


def contents(folder: Path) -> dict[str, Any]:
    """Every file below a folder, without when it was made."""
    return {str(file.relative_to(folder)): content(file) for file in sorted(folder.rglob("*")) if file.is_file()}


def content(file: Path) -> Any:
    if file.suffix == ".parquet":
        table = pq.read_table(file)
        return table.schema, table.to_pylist()
    if file.suffix == ".json":
        return without_time(json.loads(file.read_text(encoding="utf-8")))
    if file.suffix == ".jsonl":
        return [without_time(json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]
    if file.suffix == ".journal":
        return sorted(file.read_bytes().splitlines())  # replies come in any order
    return file.read_bytes()


def without_time(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_time(item) for key, item in value.items() if key not in ("created", "tstamp")}
    return [without_time(item) for item in value] if isinstance(value, list) else value


@pytest.fixture(autouse=True)
def harness(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run no benchmarks: say how they would have been run."""

    def run(model: str, tasks: list[str], settings: benchmarks.BenchmarkSettings) -> BenchmarkResult:
        return BenchmarkResult(model, (), {task: {"figures": {}, "run": str(settings)} for task in tasks})

    monkeypatch.setattr(benchmarks, "run_benchmarks", run)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.path)
def test_shell_and_python_write_the_same_files(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = {}
    for who in ("shell", "python"):
        folder = tmp_path / who
        folder.mkdir()
        monkeypatch.chdir(folder)
        case.prepare(folder)
        before = contents(folder)
        if who == "shell":
            ended = shell(*shell_words(case))
            assert ended.code == 0, ended
        else:
            WORKFLOWS[case.path](*case.arguments, **case.options)
        written[who] = contents(folder)
        assert written[who].keys() > before.keys(), "nothing was written"
    assert written["shell"] == written["python"]


def test_every_workflow_that_writes_files_has_a_case() -> None:
    writing = {path for path in WORKFLOWS if "out" in parameters_of(path)}
    assert writing <= {case.path for case in CASES}
