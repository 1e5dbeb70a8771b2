"""Options about reading mean the same in every command: what cannot be used is left out on request, and kept in a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from contest_files import answers, comparison, write

import votewise
from shell import refused, shell
from votewise.errors import BadInputError, VotewiseError

VOTE = {"ask": "why?", "annotator": "k", "score_a": 2.0, "score_b": 1.0, "margin": 1.0}
Run = Callable[..., Any]


def votes(n: int = 8) -> list[dict[str, Any]]:
    """Votes with own words for the better side; the fourth one has a word that nobody explained."""
    words = ["links", "rechts", "links", "?"] + ["links", "rechts"] * n
    return [
        VOTE | {"response_a": f"yes {i}", "response_b": f"no {i}", "verdict": word, "number": i}
        for i, word in enumerate(words[:n])
    ]


MAPPED: dict[str, Any] = {
    "columns": {"prompt": "ask", "label": "verdict"},
    "label": {"links": "a", "rechts": "b"},
}


def judged(n: int = 8) -> list[dict[str, Any]]:
    return [
        comparison(i, ask=f"prompt {i}", verdict="?" if i == 3 else "rechts" if i == 5 else "links") | {"number": i}
        for i in range(n)
    ]


def answered() -> list[dict[str, Any]]:
    rows = answers("new", 5) + answers("old", 5)
    rows = [{"text": row.pop("answer"), **row, "number": i} for i, row in enumerate(rows)]
    return [row | {"text": ""} if row["number"] == 3 else row for row in rows]


def prompts() -> list[dict[str, Any]]:
    return [{"ask": None if i == 3 else f"prompt {i}", "number": i} for i in range(6)]


def scored() -> list[dict[str, Any]]:
    return [{"m": "much" if i == 3 else 0.5, "number": i} for i in range(6)]


CASES: dict[str, tuple[Run, list[dict[str, Any]], dict[str, Any], str]] = {
    "audit": (votewise.audit, votes(), {**MAPPED, "force": True, "report": False, "out": "out"}, "out/rejected.jsonl"),
    "score": (
        votewise.score,
        votes(),
        {**MAPPED, "score_columns": ("score_a", "score_b"), "out": "s.jsonl"},
        "s-rejected.jsonl",
    ),
    "simulate annotators": (votewise.simulate_votes, votes(), {**MAPPED, "out": "v.csv"}, "v-rejected.jsonl"),
    "simulate users": (
        votewise.simulate_clicks,
        scored(),
        {"columns": {"margin": "m"}, "users": 5, "comparisons_per_user": 4, "out": "c.parquet"},
        "c-rejected.jsonl",
    ),
    "evaluate win-rate": (
        votewise.evaluate_win_rate,
        judged(),
        {"columns": {"winner": "verdict"}, "label": MAPPED["label"], "out": "e", "report": False},
        "e/new-against-old-rejected.jsonl",
    ),
    "evaluate matrix": (
        votewise.evaluate_matrix,
        judged(),
        {"columns": {"winner": "verdict"}, "label": MAPPED["label"], "out": "e", "report": False},
        "e/matrix-rejected.jsonl",
    ),
    "evaluate export alpaca-eval": (
        votewise.export_alpaca_eval,
        answered(),
        {"columns": {"answer": "text"}, "model": "new", "out": "o.json"},
        "o-rejected.jsonl",
    ),
}


def shell_words(path: str, source: str, options: dict[str, Any]) -> list[str]:
    words = [*path.split(), source]
    for name, value in options.items():
        option = "--" + name.replace("_", "-")
        if isinstance(value, dict):
            words += [word for key, other in value.items() for word in (option, f"{key}={other}")]
        elif isinstance(value, tuple):
            words += [option, *value]
        elif isinstance(value, bool):
            words += [option] if value else [f"--no-{name}"]
        else:
            words += [option, str(value)]
    return words


def numbers(path: Path) -> list[int]:
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert all(line["reason"] and line["row"] == line["record"]["number"] + 1 for line in lines)
    return [line["record"]["number"] for line in lines]


@pytest.mark.parametrize("path", CASES)
def test_an_unusable_row_stops_or_is_left_out_and_kept(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, rows, options, rejects = CASES[path]
    monkeypatch.chdir(tmp_path)
    source = write(tmp_path / "source.jsonl", rows)
    with pytest.raises(BadInputError, match="row 4"):
        run(source, **options)
    assert "row 4" in refused(shell(*shell_words(path, source, options)))
    assert [file.name for file in tmp_path.iterdir()] == ["source.jsonl"]

    result = run(source, **options, on_error="skip")
    assert numbers(tmp_path / rejects) == [3]
    rejected = result.votes.reading if path == "audit" else result.job.pairs if path == "score" else result
    assert (rejected.rejected if path == "audit" else rejected.rejected.rows) == 1
    (tmp_path / rejects).unlink()
    ended = shell(*shell_words(path, source, options), "--on-error", "skip")
    assert ended.code == 0, ended
    assert numbers(tmp_path / rejects) == [3]
    if path != "evaluate matrix":  # its files are listed there
        assert "1 " in ended.out


def test_generate_leaves_out_unusable_prompts(tmp_path: Path) -> None:
    source = write(tmp_path / "source.jsonl", prompts())
    options: dict[str, Any] = {"model": "m", "columns": {"prompt": "ask"}, "dry_run": True}
    with pytest.raises(BadInputError, match="row 4"):
        votewise.generate(source, **options)
    found = votewise.generate(source, **options, on_error="skip").job.prompts
    assert (len(found), found.rejected.rows, found.rejected.file) == (5, 1, None)
    words = ["--model", "m", "--columns", "prompt=ask", "--out", str(tmp_path / "a.jsonl"), "--dry-run"]
    assert "1 unusable row left out" in shell("generate", source, *words, "--on-error", "skip").out
    assert [file.name for file in tmp_path.iterdir()] == ["source.jsonl"]


def test_a_refused_command_leaves_no_rejected_rows_behind(tmp_path: Path) -> None:
    scores: dict[str, Any] = {"score_columns": ("score_a", "score_b"), "on_error": "skip"}
    with pytest.raises(BadInputError, match="unknown kind of file"):
        votewise.score(votes(), **MAPPED, **scores, out=tmp_path / "deep" / "s.txt")
    with pytest.raises(BadInputError, match="unknown kind of file"):
        votewise.generate(
            prompts(), model="m", columns={"prompt": "ask"}, on_error="skip", out=tmp_path / "deep" / "a.txt"
        )
    assert list(tmp_path.iterdir()) == []


def test_the_verdicts_that_are_left_are_counted_as_they_are_mapped(tmp_path: Path) -> None:
    labels = {"links": "a", "rechts": "b", "?": "skip"}
    found = votewise.evaluate_win_rate(judged(), columns={"winner": "verdict"}, label=labels)
    assert found.result is not None
    assert (found.result.wins, found.result.losses) == (6, 1)
    assert found.result.contests.left_out == {"marked as no verdict": 1}


def test_numbers_as_verdicts_mean_what_is_said() -> None:
    rows = [comparison(i, winner=value) for i, value in enumerate([1, 1, 2, 3])]
    found = votewise.evaluate_win_rate(rows, label={"1": "a", "2": "b", "3": "tie"})
    assert found.result is not None
    assert (found.result.wins, found.result.losses, found.result.ties) == (2, 1, 1)


def test_a_verdict_that_may_mean_the_side_or_the_model_is_refused() -> None:
    rows = [comparison(i, "b", "a", winner="a") for i in range(3)]
    with pytest.raises(BadInputError, match=r"may mean the side or the model of that name.*--label 'a'=a \(b, tie\)"):
        votewise.evaluate_win_rate(rows)
    found = votewise.evaluate_win_rate(rows, label={"a": "a"})
    assert found.result is not None
    assert (found.result.contests.model_a, found.result.wins) == ("b", 3)


def test_labels_of_alpacaevals_columns_are_not_guessed() -> None:
    row = {"instruction": "i", "generator_1": "x", "output_1": "o", "generator_2": "y", "output_2": "p"}
    with pytest.raises(BadInputError, match="a and b are not clear in the columns generator_2, generator_1"):
        votewise.evaluate_win_rate([row | {"preference": "first"}], label={"first": "a"})


def test_one_question_and_one_split_are_judged(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for split, winner in (("train", "b"), ("test", "a")):
        rows = [comparison(i, winner=winner, criterion="color" if i % 2 else "taste") for i in range(10)]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / f"{split}-00000-of-00001.parquet")
    found = votewise.evaluate_win_rate(tmp_path, split="test", criterion="color")
    assert found.result is not None
    assert (found.result.wins, found.result.contests.left_out) == (5, {"on other questions": 5})
    with pytest.raises(BadInputError, match=r"unknown criterion, got 'smell'.*one of: color, taste"):
        votewise.evaluate_win_rate(tmp_path, criterion="smell")


def test_columns_are_renamed_in_the_files_that_have_them() -> None:
    new = [{"prompt": f"p{i}", "text": f"new {i}", "model": "new"} for i in range(4)]
    old = [{"prompt": f"p{i}", "answer": f"old {i}", "model": "old"} for i in range(4)]
    work = votewise.evaluate_win_rate(new, old, reward_model="m", columns={"answer": "text"}, dry_run=True).work
    assert work.scores == 8
    with pytest.raises(BadInputError, match="there is no column 'txt'"):
        votewise.evaluate_win_rate(new, old, reward_model="m", columns={"answer": "txt"}, dry_run=True)


@pytest.mark.parametrize(
    ("run", "options", "message"),
    [
        (votewise.simulate_votes, {"label": {"x": "a"}}, "label: says how PREFERENCES is read, and there is none"),
        (votewise.simulate_clicks, {"split": "test"}, "split: says how COMPARISONS is read, and there is none"),
        (votewise.simulate_clicks, {"on_error": "skip"}, "on_error: says how COMPARISONS is read"),
    ],
)
def test_options_without_a_source_are_refused(run: Run, options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        run(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label": {"x": "a"}, "llm_judge": "m"}, "label: says what verdicts in a column mean, and a model judges"),
        ({"criterion": "x", "reward_model": "m"}, "criterion: applies to verdicts, and these are answers"),
    ],
)
def test_options_about_verdicts_are_refused_where_there_are_none(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        votewise.evaluate_win_rate(answers("new"), answers("old"), **options)


def run_audit(source: Path, out: Path, **more: Any) -> None:
    votewise.audit(source, out=out / "audit", on_error="skip", **more)


def run_evaluation(source: Path, out: Path) -> None:
    hard = [{"prompt": "?", "difficulty": 1.0}]
    votewise.evaluate_win_rate(source, out=out / "e", on_error="skip", length_controlled=True, difficulty=hard)


REFUSED_LATER: dict[str, Callable[[Path, Path], Any]] = {
    "audit": run_audit,
    "audit without votes": lambda source, out: run_audit(source, out, label={"a": "skip", "b": "skip"}),
    "simulate": lambda s, out: votewise.simulate_votes(s, out=out / "s.jsonl", on_error="skip", pairs=10**6),
    "score": lambda s, out: votewise.score(s, out=out / "s.jsonl", on_error="skip", reward_model=str(out / "none")),
    "evaluate": run_evaluation,
}
"""Commands that refuse something after unusable rows were left out."""


@pytest.mark.parametrize("command", REFUSED_LATER)
def test_a_later_refusal_leaves_no_rejected_rows_behind(command: str, tmp_path: Path) -> None:
    rows = [
        {"prompt": f"p{i}", "response_a": "x", "response_b": "y", "annotator": "one", "label": "ab"[i % 2] if i else "??",
         "model_a": "A", "model_b": "B"}
        for i in range(8)
    ]  # fmt: skip
    source = write(tmp_path / "votes.jsonl", rows)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(VotewiseError):
        REFUSED_LATER[command](source, tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


CRITERIA = [comparison(i, winner="a", criterion="color" if i % 2 else "taste") for i in range(10)]


def test_verdicts_on_several_criteria_are_refused() -> None:
    with pytest.raises(BadInputError, match=r"holds several criteria: taste, color.*--criterion taste"):
        votewise.evaluate_win_rate(CRITERIA)
    assert len(votewise.evaluate_win_rate(CRITERIA, criterion="color").contests) == 5
    assert len(votewise.evaluate_win_rate(CRITERIA, columns={"criterion": ""}).contests) == 10


def test_drafts_and_ties_beside_verdicts() -> None:
    rows = [comparison(i, winner="a", status="draft" if i < 3 else "tie" if i < 5 else "ok") for i in range(10)]
    found = votewise.evaluate_win_rate(rows)
    assert found.contests["preference"].to_pylist() == [0.5] * 2 + [1.0] * 5
    assert found.result.contests.left_out["marked as no verdict"] == 3


def test_the_file_of_difficulties_is_read_as_the_options_say(tmp_path: Path) -> None:
    rows = [comparison(i, winner="ab"[i % 3 == 0]) for i in range(12)]
    for split, factor in (("train", 1.0), ("test", 2.0)):
        hard = [{"prompt": row["prompt"], "hard": factor * i} for i, row in enumerate(rows)]
        write(tmp_path / f"{split}.jsonl", hard)
    told = {"length_controlled": True, "difficulty": tmp_path, "columns": {"difficulty": "hard"}}
    path = write(tmp_path.with_name("rows.jsonl"), rows)
    found = votewise.evaluate_win_rate(path, **told, split=None)
    assert found.contests["difficulty"].to_pylist() == [float(i) for i in range(12)]


def test_broken_lines_of_judgments_are_refused(tmp_path: Path) -> None:
    game = [{"score": "A>B"}, {"score": "B>A"}]
    path = Path(write(tmp_path / "m.jsonl", [{"uid": "u", "model": "m", "judge": "j", "games": game}]))
    path.write_text(path.read_text() + '{"uid": "v", "mod\n')
    with pytest.raises(BadInputError, match=r"row 2"):
        votewise.import_arena_hard(path)
