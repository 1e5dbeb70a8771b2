"""Lists of answers with ranks, scores or the best one, as public data sets have them: every comparison, by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from told import Row, told, written

from votewise.errors import BadInputError
from votewise.sources import read_votes

ANSWERS = ["Yes", "No", "Maybe"]


def comparison(post: str, texts: tuple[str, str], choice: int, worker: str) -> Row:
    """A row of openai/summarize_from_feedback, comparisons."""
    return {
        "info": {
            "id": f"t3_{post[:2]}",
            "post": post,
            "title": "Dog",
            "subreddit": "pets",
            "site": None,
            "article": None,
        },
        "summaries": [{"text": text, "policy": "sup4", "note": None} for text in texts],
        "choice": choice,
        "worker": worker,
        "batch": "batch6",
        "split": "train",
        "extra": {"confidence": 7},
    }


def webgpt(question: str, texts: tuple[str, str], scores: tuple[float, float]) -> Row:
    """A row of openai/webgpt_comparisons."""
    sides = {}
    for i in (0, 1):
        sides |= {f"quotes_{i}": {"title": ["Wiki"], "extract": ["It is."]}, f"answer_{i}": texts[i]}
        sides |= {f"tokens_{i}": {"prefix": [1, 2], "completion": [3 + i]}, f"score_{i}": scores[i]}
    return {"question": {"dataset": "triviaqa", "id": question[:3], "full_text": question}, **sides}


def ultrafeedback(scores: tuple[float, float, float]) -> Row:
    """A row of openbmb/UltraFeedback, as it is before it is made into pairs."""
    completions = [
        {
            "model": f"m{i}",
            "response": text,
            "custom_system_prompt": "Be honest.",
            "annotations": {"helpfulness": {"Rating": "4", "Rationale": "r"}},
            "overall_score": score,
            "fine-grained_score": score / 2,
        }
        for i, (text, score) in enumerate(zip(ANSWERS, scores, strict=True))
    ]
    return {"source": "evol", "instruction": "Why?", "models": ["m0", "m1", "m2"], "completions": completions}


NECTAR = {
    "prompt": "\n\nHuman: Why?\n\nAssistant: ",
    "answers": [{"answer": text, "model": f"m{i}", "rank": float(i + 1)} for i, text in enumerate(ANSWERS)],
    "turns": 1,
    "num_responses": 3,
    "good_natured": True,
}
Q = "\n\nHuman: Why?\n\nAssistant: "
DOG = "Dog\n\nMy dog eats socks."

READ: dict[str, tuple[list[Row], list[str]]] = {
    "summarize_from_feedback": (
        [comparison("My dog eats socks.", ("Socks.", "Cat."), choice, who) for choice, who in ((0, "w1"), (1, "w2"))],
        [f"w1: Socks. > Cat. | {DOG}", f"w2: Cat. > Socks. | {DOG}"],
    ),
    "webgpt": (
        [
            webgpt("Why blue?", ("Air.", "Magic."), (-0.5, 0.5)),
            webgpt("Who wrote Faust?", ("Goethe.", "Schiller."), (1.0, -1.0)),
            webgpt("Hot?", ("Yes.", "Very."), (0.0, 0.0)),
        ],
        [
            "(unknown): Goethe. > Schiller. | Who wrote Faust?",
            "(unknown): Magic. > Air. | Why blue?",
            "(unknown): Very. = Yes. | Hot?",
        ],
    ),
    "ultrafeedback": (
        [ultrafeedback((8.5, 4.0, 8.5))],
        ["(unknown): Maybe > No | Why?", "(unknown): Yes > No | Why?"],
    ),
    "nectar": (
        [NECTAR],
        [f"(unknown): No > Maybe | {Q}", f"(unknown): Yes > Maybe | {Q}", f"(unknown): Yes > No | {Q}"],
    ),
    "ranks beside": (
        [{"prompt": "Why?", "responses": ANSWERS, "ranks": [2, 1, 3], "rater": "u"}],
        ["u: No > Maybe | Why?", "u: No > Yes | Why?", "u: Yes > Maybe | Why?"],
    ),
    "a ranking that is its own inverse": (
        [{"prompt": "Why?", "responses": ANSWERS, "ranking": [2, 1, 3]}],
        ["(unknown): No > Maybe | Why?", "(unknown): No > Yes | Why?", "(unknown): Yes > Maybe | Why?"],
    ),
    "a ranking of texts": (
        [{"prompt": "Why?", "responses": ANSWERS, "ranking": ["Maybe", "Yes", "No"]}],
        ["(unknown): Maybe > No | Why?", "(unknown): Maybe > Yes | Why?", "(unknown): Yes > No | Why?"],
    ),
    "ratings beside": (
        [{"instruction": "Why?", "generations": ANSWERS, "ratings": [5, 1, 5], "generation_models": ["a", "b", "c"]}],
        ["(unknown): Maybe > No | Why?", "(unknown): Yes > No | Why?"],
    ),
    "the best one, from 0": (
        [{"prompt": "Why?", "completions": ANSWERS, "best": 2}, {"prompt": "Who?", "completions": ANSWERS, "best": 0}],
        [
            "(unknown): Maybe > No | Why?",
            "(unknown): Maybe > Yes | Why?",
            "(unknown): Yes > Maybe | Who?",
            "(unknown): Yes > No | Who?",
        ],
    ),
    "the best one, from 1": (
        [{"prompt": "Why?", "completions": ANSWERS, "best": 3}],
        ["(unknown): Maybe > No | Why?", "(unknown): Maybe > Yes | Why?"],
    ),
    "the best one, by its text": (
        [{"question": "Why?", "candidates": ANSWERS, "preferred": "No", "worker": "w"}],
        ["w: No > Maybe | Why?", "w: No > Yes | Why?"],
    ),
    "chosen ones are marked": (
        [{"prompt": "Why?", "responses": [{"text": t, "chosen": t == "No"} for t in ANSWERS]}],
        ["(unknown): No > Maybe | Why?", "(unknown): No > Yes | Why?"],
    ),
    "conversations": (
        [
            {
                "prompt": [{"role": "user", "content": "Why?"}],
                "responses": [[{"role": "assistant", "content": t}] for t in ANSWERS[:2]],
                "scores": [1.0, 2.0],
            }
        ],
        ["(unknown): No > Yes | Why?"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("container", ["list", "jsonl", "json", "parquet", "arrow"])
@pytest.mark.parametrize("name", READ)
def test_comparisons_are_read_as_they_are_meant(name: str, container: str, tmp_path: Path) -> None:
    rows, votes = READ[name]
    found = read_votes(written(rows, container, tmp_path))
    assert told(found) == votes
    many = len(votes) > len(rows)
    assert (found.judgement is not None) == many
    if found.judgement is not None:
        assert len(set(found.judgement.tolist())) == len(rows)


@pytest.mark.parametrize(
    ("row", "message", "options", "votes"),
    [
        ({"ranking": [2, 0, 1]}, r"open whether \[2, 0, 1\] .* --columns best_first=ranking", {"ranks": "ranking"},
         ["No > Maybe", "No > Yes", "Maybe > Yes"]),
        ({"ranking": [2, 0, 1]}, "open whether", {"best_first": "ranking"},
         ["Maybe > No", "Maybe > Yes", "Yes > No"]),
        ({"chosen_index": 1}, "count the answers from 0 or from 1 .*best_from_1=", {"best_from_0": "chosen_index"},
         ["No > Maybe", "No > Yes"]),
        ({"chosen_index": 1}, "count the answers", {"best_from_1": "chosen_index"}, ["Yes > Maybe", "Yes > No"]),
    ],
)  # fmt: skip
def test_what_is_open_is_refused_with_the_options(row: Row, message: str, options: Any, votes: list[str]) -> None:
    rows = [{"prompt": "Why?", "responses": ANSWERS, **row}]
    with pytest.raises(BadInputError, match=message):
        read_votes(rows)
    found = told(read_votes(rows, columns=options))
    assert found == sorted(f"(unknown): {vote} | Why?" for vote in votes)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"scores": [1, 2]}, "column 'scores': has a different length"),
        ({"scores": [1, "high", 2]}, "column 'scores': is not an order of the answers"),
        ({"ranks": [1, None, 2]}, "column 'ranks': is not an order of the answers"),
        ({"best": "Never"}, "column 'best': unknown label, got 'Never'.*--label"),
        ({"best": 7}, "column 'best': unknown label, got '7'"),
    ],
)
def test_an_odd_order_is_named(row: Row, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        read_votes([{"prompt": "Why?", "responses": ANSWERS, **row}])


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Hi", "completion": "Yes", "label": True},
        {"question": "Hi", "response": "Yes", "thumbs_up": True, "user_id": "u"},
        {"info": {"post": "p"}, "summary": {"text": "S", "axes": {"overall": 5}}, "worker": "w"},
        {"instruction": "Hi", "output": "Yes", "rating": 4},
    ],
)
def test_verdicts_on_one_answer_are_refused_with_a_sentence(row: Row) -> None:
    with pytest.raises(BadInputError, match=r"single verdicts on one answer each .* not comparisons"):
        read_votes([row])
