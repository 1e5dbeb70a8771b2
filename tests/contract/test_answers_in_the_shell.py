"""Point 7 of the contract for sources without votes: what is read is what a table of any kind holds.

The truth is a random table with hostile names and texts, its columns in any order; a server in this process plays models.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import pyarrow.parquet as pq
import pytest
from containers import TYPED, UNTYPED
from drawn_contests import MODELS, WON, contests
from facts import asked
from flat_shapes import FLAT
from hostile import names, texts
from hypothesis import given
from hypothesis import strategies as st
from kept_contract import empty_folder, examples
from nested_shapes import NESTED
from scripted import Reply, Scripted, said, scripted_server
from test_one_path import on_read_tables
from truth import TrueVote, prompts
from written import Row, columns_in_any_order, messages

from shell import refused, shell
from votewise.data.votes import Votes

pytest.importorskip("openai")

pytestmark = pytest.mark.slow

FILES = {
    kind: {**TYPED, **UNTYPED}[kind]
    for kind in (
        "jsonl", "jsonl, BOM", "jsonl, UTF-16", "jsonl.gz", "jsonl.zst", "json", "json, one object", "parquet", "arrow",
        "arrow stream", "feather", "folder of parquet", "folder of jsonl", "glob of json", "saved data set",
        "saved data set with splits", "csv", "csv, semicolons", "tsv", "csv, UTF-16", "csv.gz", "folder of csv",
    )
}  # fmt: skip
SHAPES = {name: shape for name, shape in (FLAT | NESTED).items() if not shape.joined}


def some_texts() -> st.SearchStrategy[str]:
    """Texts that say something, as prompts and answers must."""
    return texts().filter(lambda text: bool(text.strip()))


def shuffled(rows: list[Row], seed: int) -> list[Row]:
    return columns_in_any_order(rows, random.Random(seed))


SEEDS = st.integers(0, 2**32)


# Answers of models.


def echo(conversation: list[Row]) -> str:
    """What the server says to a conversation: all of it, so that nothing can be lost on the way there or back."""
    return json.dumps([[message["role"], message["content"]] for message in conversation])


@pytest.fixture(scope="module")
def echoing() -> Iterator[Scripted]:
    with scripted_server(lambda request, _: said(echo(request["messages"]))) as server:
        yield server


def generated(path: Any, server: Scripted, folder: Path) -> Counter[str]:
    """What was answered to all prompts of a source; what was asked is in it."""
    words = (
        "--model",
        "m",
        "--backend",
        "endpoint",
        "--base-url",
        server.url,
        "--out",
        folder / "answers.jsonl",
        "--quiet",
    )
    ended = shell("generate", path, *words)
    assert ended.code == 0, ended
    rows = [json.loads(line) for line in (folder / "answers.jsonl").read_bytes().splitlines()]
    for row in rows:
        conversation = row["prompt"] if isinstance(row["prompt"], list) else messages((("user", row["prompt"]),))
        assert (row["answer"], row["error"], row["model"]) == (echo(conversation), None, "m")
    return Counter(row["answer"] for row in rows)


@pytest.mark.parametrize("kind", FILES)
def test_generate_asks_the_prompts_that_were_written(kind: str, echoing: Scripted) -> None:
    talks = prompts("system" if kind in TYPED else "text").filter(lambda p: all(text.strip() for _, text in p))

    @examples(2)
    @given(drawn=st.lists(talks, min_size=1, max_size=5, unique=True), as_texts=st.booleans(), seed=SEEDS)
    def asked_all(drawn: list[Any], as_texts: bool, seed: int) -> None:
        if as_texts or kind in UNTYPED:
            drawn = list(dict.fromkeys(prompt[-1:] for prompt in drawn))
        one_text = as_texts or kind in UNTYPED
        rows = [
            {"id": f"{i:03}", "prompt": prompt[0][1] if one_text else messages(prompt), "score": i / 7}
            for i, prompt in enumerate(drawn)
        ]
        with empty_folder() as folder:
            (folder / "in").mkdir()
            found = generated(FILES[kind](shuffled(rows, seed), folder / "in"), echoing, folder)
        assert found == Counter(echo(messages(prompt)) for prompt in drawn)

    asked_all()


@pytest.mark.parametrize("name", SHAPES)
def test_generate_asks_the_prompts_of_votes(name: str, echoing: Scripted) -> None:
    def asked_once(rows: list[Row], expected: list[TrueVote], _: Votes) -> None:
        truth = {asked(vote.prompt) for vote in expected if vote.verdict != "skip"}
        with empty_folder() as folder:
            (folder / "in").mkdir()
            path = TYPED["jsonl"](rows, folder / "in")
            if not all(text.strip() for prompt in truth for _, text in prompt[-1:] or [("", "")]):
                ended = shell("generate", path, "--model", "m", "--out", folder / "answers.jsonl", "--dry-run")
                assert ended.code == 0 or refused(ended)
                return
            found = generated(path, echoing, folder)
        assert found == Counter(echo(messages(prompt)) for prompt in truth)

    on_read_tables(SHAPES[name], 1, asked_once)


# Answers of two models, and a language model as the judge.


def worth(text: str) -> int:
    return crc32(text.encode("utf-8", "surrogatepass"))


def judged(request: Row, _: int) -> Reply:
    """The verdict of a judge to whom one text is worth more than another, whatever it says."""
    question = request["messages"][-1]["content"]
    mark = re.search(r"=== \w{12} ===", question)
    assert mark is not None
    one, other = (
        question.split(f"{mark[0]} answer 1\n")[1].split(f"\n{mark[0]} end")[0].split(f"\n{mark[0]} answer 2\n")
    )
    return said(f"Verdict: {'tie' if one == other else 1 if worth(one) > worth(other) else 2}")


@pytest.fixture(scope="module")
def judging() -> Iterator[Scripted]:
    with scripted_server(judged) as server:
        yield server


def share(one: str, other: str) -> float:
    return 0.5 if one == other else float(worth(one) > worth(other))


@pytest.mark.parametrize("kind", FILES)
def test_win_rates_compare_the_answers_that_were_written(kind: str, judging: Scripted) -> None:
    @examples(2)
    @given(
        models=st.lists(names(more=False), min_size=2, max_size=2, unique=True),
        drawn=st.lists(
            st.tuples(some_texts(), some_texts(), some_texts()), min_size=1, max_size=5, unique_by=lambda p: p[0]
        ),
        alone=st.booleans(),
        seed=SEEDS,
    )
    def compared(models: list[str], drawn: list[tuple[str, str, str]], alone: bool, seed: int) -> None:
        with empty_folder() as folder:
            paths = []
            for side, model in enumerate(models, 1):
                rows = [{"prompt": texts[0], "answer": texts[side], "model": model} for texts in drawn]
                # A prompt that only one of them answered is left out.
                rows += [{"prompt": "\N{SNOWMAN} asked of one alone", "answer": "!", "model": model}] * (
                    alone and side == 1
                )
                (folder / str(side)).mkdir()
                paths.append(FILES[kind](shuffled(rows, seed + side), folder / str(side)))
            words = ("--llm-judge", "j", "--base-url", judging.url, "--out", folder / "out", "--no-report", "--quiet")
            ended = shell("evaluate", "win-rate", *paths, *words)
            assert ended.code == 0, ended
            check_contests(folder / "out", models, {(p, a, b): share(a, b) for p, a, b in drawn})

    compared()


def check_contests(out: Path, models: list[str], truth: dict[tuple[str, str, str], float]) -> None:
    """The table of contests and the win rate are those of the truth: prompt and both answers -> share of the first model."""
    (table,) = out.glob("*.parquet")
    rows = pq.read_table(table).to_pylist()
    assert {(row["model_a"], row["model_b"]) for row in rows} == {tuple(models)}
    assert {(row["prompt"], row["response_a"], row["response_b"]): row["preference"] for row in rows} == truth
    assert len(rows) == len(truth)
    (figures,) = json.loads((out / "evaluation.json").read_text("utf-8"))["win_rate"].values()
    assert figures["win_rate"]["value"] == pytest.approx(sum(truth.values()) / len(truth))


# Comparisons with verdicts.


@pytest.mark.parametrize("kind", FILES)
def test_win_rates_count_the_verdicts_that_were_written(kind: str) -> None:
    @examples(4)
    @given(drawn=contests(), of=st.sampled_from(["words", "names", "shares"]), seed=SEEDS)
    def counted(drawn: list[Row], of: str, seed: int) -> None:
        models = [drawn[0]["model_a"], drawn[0]["model_b"]]
        truth, rows = {}, []
        for row in drawn:
            sides = {"a": row["model_a"], "b": row["model_b"], "tie": "tie"}
            value = {"words": row["verdict"], "names": sides[row["verdict"]], "shares": float(WON[row["verdict"]])}[of]
            rows.append(row | {"verdict": value})
            first = float(WON[row["verdict"]])
            if [row["model_a"], row["model_b"]] == models:
                truth[row["prompt"], row["response_a"], row["response_b"]] = first
            elif [row["model_b"], row["model_a"]] == models:
                truth[row["prompt"], row["response_b"], row["response_a"]] = 1 - first
        with empty_folder() as folder:
            (folder / "in").mkdir()
            path = FILES[kind](shuffled(rows, seed), folder / "in")
            both = (f"--model={models[0]}", f"--baseline={models[1]}")
            ended = shell(
                "evaluate", "win-rate", path, "--column", "verdict", *both, "--out", folder / "out", "--no-report"
            )
            if {row[name] for row in drawn for name in MODELS} & {"a", "b", "tie", "left", "A"} and ended.code:
                assert of != "shares"
                assert "may mean the side or the model" in refused(ended)
                return
            assert ended.code == 0, ended
            check_contests(folder / "out", models, truth)

    counted()


# Clicks of users who follow a scorer.


@pytest.mark.parametrize("kind", FILES)
def test_simulated_users_click_what_the_scorer_of_a_table_prefers(kind: str) -> None:
    said_by = st.sampled_from([-2.5, -0.125, 0.25, 3.0])
    columns = st.sampled_from(["margin", "probability", "scores"])

    @examples(4)
    @given(drawn=contests(), margins=st.lists(said_by, min_size=6, max_size=6), by=columns, seed=SEEDS)
    def clicked(drawn: list[Row], margins: list[float], by: str, seed: int) -> None:
        models = [drawn[0]["model_a"], drawn[0]["model_b"]]
        rows, truth = [], {}
        for row, margin in zip(drawn, margins, strict=False):
            scores = {"margin": {"margin": margin}, "probability": {"probability": 0.5 + margin / 8},
                      "scores": {"score_a": 1 + margin, "score_b": 1.0}}[by]  # fmt: skip
            own = {name: text for name, text in row.items() if name != "verdict"}
            rows.append(own | dict(zip(MODELS, models, strict=True)) | scores)
            truth[row["prompt"], row["response_a"], row["response_b"]] = "model_a" if margin > 0 else "model_b"
        with empty_folder() as folder:
            (folder / "in").mkdir()
            path, out = FILES[kind](shuffled(rows, seed), folder / "in"), folder / "clicks.jsonl"
            words = ("--users", 4, "--comparisons-per-user", len(rows), "--prior", "two-point:0.5,0.01,0.99", "--texts")
            ended = shell("simulate", "users", path, *words, "--out", out, "--quiet")
            assert ended.code == 0, ended
            found = [json.loads(line) for line in out.read_bytes().splitlines()]
        assert len(found) == 4 * len(rows)
        for row in found:
            assert [row["model_a"], row["model_b"]] == models
            better = truth[row["prompt"], row["response_a"], row["response_b"]]
            assert row["attentive_winner"] == better
            assert row["winner"] == better or not row["attentive"]

    clicked()
