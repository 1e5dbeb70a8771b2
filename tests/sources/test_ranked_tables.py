"""Ranks in tables: an answer per row, an answer per column, and orders with ties; every sample's votes by hand.

As in ``test_kinds_of_shapes``, every sample is made up.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from told import Row, Sample, told, written

from votewise.sources import read_votes

ASK = {"role": "user", "content": "p"}


def said(text: str) -> list[Row]:
    return [{"role": "assistant", "content": text}]


def answers(ranks: dict[str, Any], prompt: str = "p", **more: Any) -> list[Row]:
    return [{"prompt": prompt, "response": text, "rank": rank} | more for text, rank in ranks.items()]


def order(texts: str, who: str = "(unknown)", prompt: str = "p") -> list[str]:
    """All votes of a strict order."""
    return [f"{who}: {x} > {y} | {prompt}" for i, x in enumerate(texts) for y in texts[i + 1 :]]


RANKS = {"x": 2, "y": 1, "z": 3}
OTHERS = [*answers({"x": 1, "y": 2}), *answers({"u": 2, "v": 1})]
TWICE = [*answers(RANKS), *answers(RANKS)]
QUALITY = answers({"x": 7, "y": 3, "z": 5})

LONG = {
    "an answer per row": Sample(answers(RANKS), order("yxz")),
    "in a CSV, with models": Sample(
        [row | {"model": f"m{i}"} for i, row in enumerate(answers(RANKS))], order("yxz"), "csv"),
    "from 0": Sample(answers({"x": 0, "y": 2, "z": 1}), order("xzy")),
    "several prompts, mixed": Sample(
        [row for both in zip(answers(RANKS), answers({"u": 3, "v": 2, "w": 1}, "q"), strict=True) for row in both],
        [*order("yxz"), *order("wvu", prompt="q")]),
    "several people": Sample(
        [*answers(RANKS, annotator="ann"), *answers({"x": 1, "y": 2, "z": 3}, annotator="bo")],
        [*order("yxz", "ann"), *order("xyz", "bo")]),
    "one question asked twice": Sample(
        [*answers(RANKS, prompt_id="1"), *answers({"x": 1, "y": 2, "z": 3}, prompt_id="2")], [*order("yxz"), *order("xyz")]),
    "an id that numbers the answers of each prompt": Sample(
        [row | {"sample_id": i % 3} for i, row in enumerate([*answers(RANKS), *answers(RANKS, "q")])],
        [*order("yxz"), *order("yxz", prompt="q")]),
    "an id of each row": Sample([row | {"id": i} for i, row in enumerate(answers(RANKS))], order("yxz")),
    "ties among three": Sample(
        answers({"x": 1, "y": 2, "z": 2}), ["(unknown): x > y | p", "(unknown): x > z | p"]),
    "a tie of two": Sample(answers({"x": 1, "y": 1}), ["(unknown): x = y | p"]),
    "no rank": Sample(answers({"x": 2, "y": None, "z": 1}), ["(unknown): z > x | p"]),
    "conversations": Sample(
        [{"messages": [ASK], "completion": said(text), "rank": rank} for text, rank in RANKS.items()], order("yxz")),
    "system text": Sample(answers(RANKS, system="s"), order("yxz", prompt="system: s / p")),
    "two rankings of nobody": Sample(TWICE, refused=("prompt", "--columns annotator=NAME", "--columns judgement=NAME")),
    "two rankings of other answers": Sample(
        OTHERS, refused=("--columns judgement=NAME",)),
    "two rankings that are told apart": Sample(
        [row | {"judgement": f"j{i // 2}"} for i, row in enumerate(OTHERS)],
        ["(unknown): x > y | p", "(unknown): v > u | p"]),
    "more than there are answers": Sample(QUALITY, refused=("--columns ranks=rank", "--columns scores=rank")),
    "more than there are answers, a lower one is better": Sample(
        QUALITY, order("yzx"), options={"columns": {"ranks": "rank"}}),
    "more than there are answers, a higher one is better": Sample(
        QUALITY, order("xzy"), options={"columns": {"scores": "rank"}}),
    "ratings": Sample(
        [{"prompt": "p", "response": text, "helpfulness": score} for text, score in (("x", 4), ("y", 0), ("z", 2))],
        order("xzy"), options={"columns": {"scores": "helpfulness"}}),
    "HelpSteer's ratings": Sample(
        [{"prompt": "p", "response": text, "helpfulness": n, "verbosity": 1} for text, n in (("x", 4), ("y", 0))],
        refused=("single verdicts", "--columns scores=helpfulness")),
    "ratings that nobody asked for": Sample(
        [{"prompt": "p", "response": text, "rating": score} for text, score in (("x", 4), ("y", 0))],
        refused=("single verdicts", "--columns scores=rating")),
    "several criteria": Sample(
        [*answers(RANKS, criterion="style"), *answers({"x": 1, "y": 2, "z": 3}, criterion="facts")],
        refused=("--criterion",)),
    "one criterion": Sample(
        [*answers(RANKS, criterion="style"), *answers({"x": 1, "y": 2, "z": 3}, criterion="facts")], order("xyz"),
        options={"criterion": "facts"}),
    "drafts": Sample(
        [*answers(RANKS, status="submitted"), *answers({"x": 1, "y": 2, "z": 3}, status="draft")], order("yxz")),
    "words": Sample(answers({"x": "first", "y": "second"}), refused=("unknown format",)),
    "an id of each ranking": Sample(
        [row | {"submission_id": i // 3} for i, row in enumerate([*answers(RANKS), *answers({"x": 1, "y": 2, "z": 3})])],
        [*order("yxz"), *order("xyz")]),
    "a model called system": Sample(
        [row | {"system": row["response"]} for row in answers(RANKS)], refused=("two answers", "--columns system=")),
    "a model that is no system text": Sample(
        [row | {"system": row["response"]} for row in answers(RANKS)], order("yxz"), options={"columns": {"system": ""}}),
    "a person for each answer": Sample(
        [row | {"worker": row["response"]} for row in answers(RANKS)], refused=("one person", "--columns worker=")),
    "answers of one prompt each": Sample(
        [*answers({"x": 1}), *answers({"y": 1}, "q")], refused=("two answers",)),
}  # fmt: skip


def columns(texts: str = "xyz", stem: str = "answer", **more: Any) -> Row:
    return {"prompt": "p"} | {f"{stem}_{i}": text for i, text in enumerate(texts, 1)} | more


NAMED = {"format": "ranked-columns"}
WIDE = {
    "ranks beside answers": Sample([columns(rank_1=2, rank_2=1, rank_3=3)], order("yxz")),
    "in a CSV": Sample([columns(stem="response", rank_1=2, rank_2=1, rank_3=3)], order("yxz"), "csv"),
    "ranks after the answers' names": Sample(
        [columns(stem="response", response_1_rank=2, response_2_rank=1, response_3_rank=3)], order("yxz"), "csv"),
    "letters": Sample(
        [{"question": "p", "response_a": "x", "response_b": "y", "response_c": "z", "rank_a": 3, "rank_b": 2, "rank_c": 1}],
        order("zyx")),
    "two answers": Sample(
        [columns("xy", rank_1=2, rank_2=1), columns("uv", rank_1=1, rank_2=1)],
        ["(unknown): y > x | p", "(unknown): u = v | p"]),
    "people": Sample(
        [columns(annotator=who, rank_1=a, rank_2=b, rank_3=c) for who, a, b, c in (("ann", 2, 1, 3), ("bo", 1, 2, 3))],
        [*order("yxz", "ann"), *order("xyz", "bo")]),
    "fewer answers in some rows": Sample(
        [columns(rank_1=2, rank_2=1, rank_3=3), columns("uv", answer_3=None, rank_1=1, rank_2=2, rank_3=None)],
        [*order("yxz"), "(unknown): u > v | p"]),
    "scores of three": Sample([columns(score_1=0.5, score_2=0.9, score_3=0.1)], order("yxz")),
    "conversations": Sample(
        [{"prompt": [ASK], "response_1": said("x"), "response_2": said("y"), "rank_1": 2, "rank_2": 1}],
        ["(unknown): y > x | p"]),
    "a rank without an answer": Sample(
        [columns(rank_1=2, rank_2=1, rank_3=3), columns(answer_3=None, rank_1=2, rank_2=1, rank_3=3, prompt="q")],
        refused=("answer_3",)),
    "more than there are answers": Sample(
        [columns(rank_1=7, rank_2=3, rank_3=5)], refused=("--columns score_1=rank_1", "--columns rank_1=rank_1")),
    "more than there are answers, a lower one is better": Sample(
        [columns(rank_1=7, rank_2=3, rank_3=5)], order("yzx"),
        options={"columns": {f"rank_{i}": f"rank_{i}" for i in (1, 2, 3)}}),
    "more than there are answers, a higher one is better": Sample(
        [columns(rank_1=7, rank_2=3, rank_3=5)], order("xzy"),
        options={"columns": {f"score_{i}": f"rank_{i}" for i in (1, 2, 3)}}),
    "an answer without a rank": Sample([columns(rank_1=2, rank_2=1)], refused=("answer_3",)),
    "an answer without a score": Sample([columns(score_1=2, score_2=1)], refused=("answer_3", "--columns answer_3=")),
    "the best one by the end of its name": Sample(
        [columns(best=2)], ["(unknown): y > x | p", "(unknown): y > z | p"], "csv", options=NAMED),
    "the best one that nobody asked for": Sample(
        [columns(best=2)], refused=("--format ranked-columns", "--columns answer_3=")),
    "the best one by its name": Sample(
        [columns(winner="answer_3")], ["(unknown): z > x | p", "(unknown): z > y | p"], options=NAMED),
    "a number without an answer": Sample([columns(best=4)], refused=("best",), options=NAMED),
    "the right one of a quiz": Sample([columns(label=2)], refused=("answer_3",)),
    "an order in a text": Sample([columns(ranking="2 > 1 > 3")], order("yxz"), "csv"),
    "an order of letters": Sample(
        [{"prompt": "p", "response_a": "x", "response_b": "y", "response_c": "z", "ranking": "B > A = C"}],
        ["(unknown): y > x | p", "(unknown): y > z | p"]),
    "an order of names": Sample([columns(ranking=["answer_2", "answer_1", "answer_3"])], order("yxz")),
    "an order or ranks": Sample([columns(ranking=[2, 3, 1])], refused=("--columns ranks=ranking", "best_first")),
    "a list of ranks": Sample([columns(ranks=[2, 3, 1])], order("zxy")),
    "an order of models": Sample(
        [columns(ranking=["m2", "m1", "m3"], model_1="m1", model_2="m2", model_3="m3")], order("yxz")),
    "a label beside ranks": Sample([columns("xy", rank_1=2, rank_2=1, label="answer_2")], refused=("--format",)),
}  # fmt: skip


def lists(**more: Any) -> Row:
    return {"prompt": "p", "responses": ["x", "y", "z"]} | more


TIED = ["(unknown): y > x | p", "(unknown): y > z | p"]
NESTED = {
    "ties in a list of lists": Sample([lists(ranks=[[2], [1, 3]])], TIED),
    "from 0": Sample([lists(ranks=[[1], [0, 2]])], TIED),
    "a ranking": Sample([lists(ranking=[[1], [0, 2]])], TIED),
    "in a CSV": Sample('prompt;responses;ranks\np;"[""x"", ""y"", ""z""]";"[[2], [1, 3]]"\n', TIED, "csv"),
    "an order that is told": Sample([lists(best=[[2], [1, 3]])], TIED, options={"columns": {"best_first": "best"}}),
    "texts": Sample([lists(ranking=[["y"], ["x", "z"]])], TIED),
    "a row without ties beside one with them": Sample(
        [lists(ranks=[[2], [3], [1]]), lists(ranks=[[2], [1, 3]], prompt="q")],
        [*order("yzx"), *(vote.replace("| p", "| q") for vote in TIED)]),
    "lists of one": Sample([lists(ranks=[[2], [3], [1]])], refused=("ranks", "best_first")),
    "an answer that is missing": Sample([lists(ranks=[[2], [1]])], refused=("ranks", "every answer once")),
    "orders of several people": Sample([lists(ranks=[[1, 2, 3], [2, 1, 3]])], refused=("ranks", "every answer once")),
    "an order of models": Sample([lists(ranking=["m2", "m1", "m3"], models=["m1", "m2", "m3"])], order("yxz")),
    "a text": Sample([lists(ranking="B > A = C")], TIED),
    "a text in a CSV": Sample('prompt;responses;ranks\np;"[""x"", ""y"", ""z""]";2 > 1 = 3\n', TIED, "csv"),
    "letters that may be marks": Sample([lists(ranks=["B", "C", "A"])], refused=("ranks",)),
    "an order that names one answer twice": Sample([lists(ranking="B > B > C")], refused=("every answer once",)),
    "an order that is none": Sample(
        [lists(order=[2, 2, 1])], refused=("each once",), options={"columns": {"best_first": "order"}}),
    "lists and numbers": Sample([lists(ranks=[[2], 1, 3])], refused=("ranks",)),
}  # fmt: skip


@pytest.mark.parametrize("name", LONG)
def test_an_answer_per_row(name: str, tmp_path: Path) -> None:
    LONG[name].check(tmp_path)


@pytest.mark.parametrize("name", WIDE)
def test_an_answer_per_column(name: str, tmp_path: Path) -> None:
    WIDE[name].check(tmp_path)


@pytest.mark.parametrize("name", NESTED)
def test_orders_with_ties(name: str, tmp_path: Path) -> None:
    NESTED[name].check(tmp_path)


@pytest.mark.parametrize(
    "rows", [answers(RANKS), [columns(rank_1=2, rank_2=1, rank_3=3)], [lists(ranks=[[2], [1], [3]])]]
)
def test_one_ranking_is_one_judgement(rows: list[Row]) -> None:
    options = {"columns": {"best_first": "ranks"}} if "ranks" in rows[0] else {}
    reading = read_votes(rows, **options).reading
    assert reading is not None
    assert (reading.kept, reading.judgements) == (3, 1)


def test_models_of_the_answers_are_known() -> None:
    rows = [row | {"model": f"m{row['response']}"} for row in answers({"x": 2, "y": 1})]
    texts = read_votes(rows).texts
    assert texts is not None
    assert [texts.column(name).to_pylist() for name in ("response_a", "model_a", "model_b")] == [["y"], ["my"], ["mx"]]


def test_a_vote_between_two_rows_belongs_to_the_worse_answer() -> None:
    votes = read_votes([row | {"note": row["response"]} for row in answers({"x": 2, "y": 1, "z": 3})])
    assert votes.row.tolist() == [0, 2, 2]
    assert votes.table.column("note").to_pylist() == ["x", "z", "z"]
    assert told(votes) == sorted(order("yxz"))


@pytest.mark.parametrize("container", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize(
    "rows",
    [
        answers(RANKS),
        [columns(rank_1=2, rank_2=1, rank_3=3)],
        [{"prompt": "p", "responses": '["x", "y", "z"]', "ranks": "[2, 1, 3]"}],
    ],
)
def test_short_texts_of_large_files_are_read(
    rows: list[Row], container: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from votewise.sources.containers import stand_ins

    monkeypatch.setattr(stand_ins, "LARGE", 0)
    assert told(read_votes(written([row | {"note": "word " * 30} for row in rows], container, tmp_path))) == sorted(
        order("yxz")
    )


def test_an_empty_answer_is_an_answer() -> None:
    for rows in (
        answers({"x": 2, "": 1}),
        [{"prompt": "p", "answer_1": "x", "answer_2": "", "rank_1": 2, "rank_2": 1}],
    ):
        assert told(read_votes(rows)) == ["(unknown):  > x | p"]
