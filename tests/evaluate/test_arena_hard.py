"""Answers go out to Arena-Hard, and the verdicts of its judge come back."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from votewise import export_arena_hard, import_arena_hard, read_votes
from votewise.errors import BadInputError
from votewise.evaluate.answers import Answers
from votewise.evaluate.arena_hard_answers import answer_texts, arena_hard_answers, count_markdown, token_counter
from votewise.evaluate.arena_hard_judgments import arena_hard_score, judgment_table, read_judgments
from votewise.evaluate.arena_hard_questions import ArenaHardQuestion, read_questions
from votewise.evaluate.read_comparisons import read_comparisons
from votewise.sources.reader import SourceReader

QUESTIONS = [ArenaHardQuestion(f"u{i}", f"ask {i}") for i in range(4)]


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    rows = [{"prompt": f"ask {i}", "answer": f"# so **it** is {i}", "model": "org/mine"} for i in range(3)]
    rows += [{"prompt": "ask 3", "answer": None, "model": "org/mine", "error": "timeout"}]
    rows += [{"prompt": "something else", "answer": "well", "model": "org/mine"}]
    return lines(tmp_path / "answers.jsonl", rows)


def test_arena_hard_gets_what_its_judge_reads(answers: Path, tmp_path: Path) -> None:
    questions = lines(tmp_path / "question.jsonl", [{"uid": q.uid, "prompt": q.prompt} for q in QUESTIONS])
    done = export_arena_hard(answers, out=tmp_path, questions=questions, tokenizer=lambda text: len(text.split()))
    assert done.files == (tmp_path / "org__mine.jsonl",)
    assert (len(done.table), done.failed, done.missing, done.unknown) == (3, 1, 1, 1)
    rows = [json.loads(line) for line in done.files[0].read_text("utf-8").splitlines()]
    assert [row["uid"] for row in rows] == ["u0", "u1", "u2"]
    assert len({row["ans_id"] for row in rows}) == 3
    assert {name: rows[0][name] for name in ("model", "messages")} == {
        "model": "org/mine",
        "messages": [
            {"role": "user", "content": "ask 0"},
            {"role": "assistant", "content": {"answer": "# so **it** is 0"}},
        ],
    }
    assert rows[0]["metadata"]["token_len"] == 5
    assert rows[0]["metadata"]["header_count"]["h1"] == 1
    other = export_arena_hard(answers, questions=questions).table.to_pylist()
    assert "token_len" not in other[0]["metadata"]
    assert [row["ans_id"] for row in rows] == [row["ans_id"] for row in other]
    assert answer_texts(SourceReader().open_all(done.files)) == {
        ("org/mine", f"u{i}"): f"# so **it** is {i}" for i in range(3)
    }


def test_questions_are_named_by_file_or_by_the_answers(tmp_path: Path) -> None:
    new = lines(tmp_path / "q2.jsonl", [{"uid": "u0", "category": "hard_prompt", "prompt": "ask 0"}])
    old = lines(tmp_path / "q1.jsonl", [{"question_id": "u0", "turns": [{"content": "ask 0"}]}])
    assert read_questions(new) == read_questions(old) == QUESTIONS[:1]
    with pytest.raises(BadInputError, match=r"is not a question\.jsonl"):
        read_questions(lines(tmp_path / "q.jsonl", [{"prompt": "x"}]))
    with pytest.raises(BadInputError, match="a question without a text"):
        read_questions(lines(tmp_path / "q3.jsonl", [{"uid": "u", "prompt": None}, {"uid": "v", "prompt": "x"}]))
    named = Answers("m", "file", ["ask"], ["so"], ids={"prompt_id": ["u7"]})
    [row] = arena_hard_answers(named, now=5.0).rows
    assert (row["uid"], row["tstamp"]) == ("u7", 5.0)
    with pytest.raises(BadInputError, match="questions: is needed: file has no column prompt_id"):
        arena_hard_answers(Answers("m", "file", ["ask"], ["so"]))
    with pytest.raises(BadInputError, match="none of 1 prompts"):
        arena_hard_answers(Answers("m", "file", ["ask"], ["so"]), questions=QUESTIONS)


def test_markdown_is_counted_outside_of_code() -> None:
    text = "# one\n## two\n ### not\n- a\n* b\n+c\n 1. d\n23. e\n**bold** __also__ ** not\nbold**\n"
    text += "```\n# code\n- x\n```\n#none"
    found = count_markdown(text)
    assert found["header_count"] == {"h1": 1, "h2": 1, "h3": 0, "h4": 0, "h5": 0, "h6": 0}
    assert found["list_count"] == {"ordered": 2, "unordered": 2}
    assert found["bold_count"] == {"**": 1, "__": 1}


def judged(uid: str, first: str | None, second: str | None, **more: Any) -> dict[str, Any]:
    games = [None if score == "none" else {"score": score, "judgment": {"answer": "..."}} for score in (first, second)]
    row = {"uid": uid, "category": "hard_prompt", "judge": "gpt", "model": "mine", "baseline": "base", "games": games}
    return row | more


def test_judgments_become_comparisons_and_votes(tmp_path: Path) -> None:
    folder = tmp_path / "model_judgment" / "gpt"
    rows = [
        judged("u0", "B>>A", "A>B"),  # the model wins both: it is B in the first game
        judged("u1", "A=B", "B<A"),
        judged("u2", "A>B", "A>B"),  # the first answer wins both
        judged("u3", "A>>B", "b >> a"),
        judged("u4", None, "A>B"),
        judged("u5", "A>B", "none"),
    ]
    lines(folder / "mine.jsonl", rows)
    found = read_judgments([folder])
    assert (len(found), found.failed) == (4, 2)
    assert found.first.tolist() == [2, 0, -1, -2]
    assert found.second.tolist() == [1, 1, 1, -2]
    # Three times 1, 1; 0.5, 1; 0, 1; three times 0 twice: 6.5 of 14.
    assert arena_hard_score(found, "mine") == pytest.approx((3 + 1 + 0.5 + 1 + 0 + 1 + 0) / 14)
    said = {(model, f"u{i}"): f"{model} {i}" for model in ("mine", "base") for i in range(4)}
    table = judgment_table(found, questions=QUESTIONS, texts=said)
    assert table["label"].to_pylist() == ["a", "a", "tie", "b"]
    assert table["preference"].to_pylist() == [1.0, 0.75, 0.5, 0.0]
    path = tmp_path / "judged.jsonl"
    lines(path, table.to_pylist())
    back = read_comparisons(path)
    assert back.model_a == ["mine"] * 4
    assert back.prompts == [f"ask {i}" for i in range(4)]
    np.testing.assert_allclose(back.preference, [1.0, 0.75, 0.5, 0.0])
    votes = read_votes(path)
    assert votes.annotator_ids.to_pylist() == ["gpt"]
    assert votes.sign.tolist() == [1, 1, 0, -1]


def test_files_of_version_one_and_without_texts(tmp_path: Path) -> None:
    old = {"question_id": "q0", "model": "mine", "judge": "gpt-4", "games": [{"score": "B>A"}, {"score": "A>B"}]}
    found = read_judgments([lines(tmp_path / "mine.jsonl", [old])])
    table = judgment_table(found)
    assert table.select(["prompt", "model_b", "label"]).to_pylist() == [
        {"prompt": "q0", "model_b": "gpt-4-0314", "label": "a"}
    ]
    assert "response_a" not in table.column_names
    with pytest.raises(BadInputError, match="1 judged answers are missing"):
        judgment_table(found, texts={("mine", "q0"): "x"})


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([judged("u", "A>C", "A>B")], "is not a verdict"),
        ([judged("u", None, None), judged("v", None, None)], "no judgment with two verdicts"),
        ([{"x": 1}], "holds no judgments"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, rows: list[dict[str, Any]], problem: str) -> None:
    with pytest.raises(BadInputError, match=problem):
        read_judgments([lines(tmp_path / "x.jsonl", rows)])
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInputError, match=r"holds no \.jsonl"):
        read_judgments([tmp_path / "empty"])


def test_tokens_are_counted_by_the_named_tokenizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers")
    from small import make_tokenizer

    make_tokenizer(chat=False).save_pretrained(tmp_path)
    assert token_counter(str(tmp_path))("w1 w2 w3") == 3
    monkeypatch.setitem(sys.modules, "tiktoken", None)
    with pytest.raises(BadInputError, match="needs tiktoken"):
        token_counter("tiktoken:o200k_base")
    with pytest.raises(BadInputError, match="no tokenizer"):
        token_counter(str(tmp_path / "nothing"))


def test_judgments_are_read_as_the_options_say(tmp_path: Path) -> None:
    rows = [judged(f"u{i}", "A>B", "first") | {"rater": "kim" if i else None} for i in range(3)]
    rows = [{"id" if name == "uid" else name: value for name, value in row.items() if name != "judge"} for row in rows]
    path = lines(tmp_path / "folder" / "mine.jsonl", rows)
    told: dict[str, Any] = {"columns": {"uid": "id", "judge": "rater"}}
    with pytest.raises(BadInputError, match=r"row 1, .*is not a verdict, got 'first'.*--label 'first'=a"):
        import_arena_hard(path, **told)
    found = import_arena_hard(path, **told, label={"First": "a"})
    assert found.table["annotator"].to_pylist() == ["folder", "kim", "kim"]
    assert found.table["second"].to_pylist() == [1, 1, 1]
    assert import_arena_hard(path, **told, label={"first": "tie"}).table["second"].to_pylist() == [0, 0, 0]
    found = import_arena_hard(path, **told, label={"first": "a"}, one_annotator="lee")
    assert found.table["annotator"].to_pylist() == ["lee", "kim", "kim"]
    rows[1]["games"][1]["score"] = "A>B"
    lines(path, rows)
    assert import_arena_hard(path, **told, label={"first": "skip"}).failed == 2
    with pytest.raises(BadInputError, match="there is no column 'nobody'"):
        import_arena_hard(path, columns={"judge": "nobody"})


BROKEN: dict[str, dict[str, Any]] = {
    "an unknown verdict": judged("u1", "A>C", "A>B"),
    "a question without a name": judged("u1", "A>B", "A>B") | {"uid": None},
    "a model without a name": judged("u1", "A>B", "A>B", model=""),
    "games of another kind": judged("u1", "A>B", "A>B", games="A>B"),
    "a game of another kind": judged("u1", "A>B", "A>B", games=[["A>B"], {"score": "A>B"}]),
    "an answer that is not there": judged("u7", "A>B", "A>B"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_unusable_judgments_are_left_out_and_kept(case: str, tmp_path: Path) -> None:
    path = lines(
        tmp_path / "gpt" / "mine.jsonl", [judged("u0", "A>B", "A>B"), BROKEN[case], judged("u2", "B>A", "A>B")]
    )
    said = [{"uid": f"u{i}", "model": m, "messages": [{"role": "assistant", "content": m}]}
            for i in range(3) for m in ("mine", "base")]  # fmt: skip
    texts = lines(tmp_path / "answers.jsonl", said)
    out = tmp_path / "out" / "judged.jsonl"
    with pytest.raises(BadInputError, match=r"row 2|answers are missing"):
        import_arena_hard(path, answers=texts, out=out)
    assert not out.parent.exists()
    found = import_arena_hard(path, answers=texts, out=out, on_error="skip")
    assert found.table["prompt_id"].to_pylist() == ["u0", "u2"]
    assert (found.rejected.rows, found.failed, found.figures["rejected"]) == (1, 0, 1)
    (row,) = map(json.loads, (tmp_path / "out" / "judged-rejected.jsonl").read_text().splitlines())
    assert (row["row"], row["record"]["uid"]) == (2, BROKEN[case]["uid"])


def test_unusable_answers_and_questions_are_left_out_and_kept(tmp_path: Path) -> None:
    path = lines(tmp_path / "gpt" / "mine.jsonl", [judged("u0", "A>B", "A>B"), judged("u1", "B>A", "A>B")])
    said = [{"uid": f"u{i}", "model": m, "messages": [{"role": "assistant", "content": m}] if i or m == "base" else None}
            for i in range(2) for m in ("mine", "base")]  # fmt: skip
    told: dict[str, Any] = {"answers": lines(tmp_path / "answers.jsonl", said), "out": tmp_path / "judged.parquet"}
    told["questions"] = lines(tmp_path / "q.jsonl", [{"uid": "u1", "prompt": "why?"}, {"uid": "u0", "prompt": None}])
    with pytest.raises(BadInputError, match="a question without a text"):
        import_arena_hard(path, **told)
    found = import_arena_hard(path, **told, on_error="skip")
    assert found.table["prompt"].to_pylist() == ["why?"]
    kept = [json.loads(line) for line in (tmp_path / "judged-rejected.jsonl").read_text().splitlines()]
    assert sorted((Path(row["source"]).name, row["row"]) for row in kept) == [
        ("answers.jsonl", 1), ("mine.jsonl", 1), ("q.jsonl", 2),
    ]  # fmt: skip
