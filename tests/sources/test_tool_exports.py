"""Exports of labelling tools and of a chat product, as these write them: every vote, by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from told import Row, told, written

from votewise.errors import BadInputError
from votewise.sources import read_votes

FIELDS = {"prompt": "Why?", "response-1": "Yes", "response-2": "No", "response-3": "Maybe"}


def ranks(*places: tuple[str, int]) -> list[Row]:
    return [{"value": name, "rank": rank} for name, rank in places]


THREE = ranks(("response-1", 1), ("response-2", 2), ("response-3", 2))


def argilla(question: str, *responses: Row, fields: Row | None = None) -> Row:
    """A record of Argilla 2, as ``to_json`` writes it; a model suggests the opposite."""
    return {
        "id": "r1",
        "status": "completed",
        "_server_id": "s1",
        "fields": fields or FIELDS,
        "metadata": {"topic": "x"},
        "suggestions": {question: {"value": "response-3", "score": 0.9, "agent": "gpt"}},
        "responses": {question: list(responses)},
        "vectors": {"v": [0.5]},
    }


def said(who: str, value: Any, **more: Any) -> Row:
    return {"value": value, "user_id": who, **more}


def task(*annotations: Row, **data: Any) -> Row:
    """A task of Label Studio's JSON export, with a model's prediction."""
    prediction = {"model_version": "m", "result": [result("pairwise", "pw", selected="right")]}
    shown = data or {"prompt": "Why?", "answer1": "Yes", "answer2": "No"}
    return {"id": 1, "data": shown, "annotations": list(annotations), "predictions": [prediction], "project": 7}


def by(who: Any, *results: Row, **more: Any) -> Row:
    return {
        "completed_by": who,
        "was_cancelled": False,
        "created_at": "2026-01-01T00:00:00Z",
        "lead_time": 3.0,
        "result": list(results),
        **more,
    }


def result(kind: str, name: str, to: str = "answer1", **value: Any) -> Row:
    return {"id": "x", "type": kind, "from_name": name, "to_name": to, "value": value}


ITEMS = [{"id": f"x{i}", "title": f"T{i}", "body": text} for i, text in enumerate(("Yes", "No", "Maybe"))]
RATED = [result("rating", f"quality_{i}", f"answer{i}", rating=n) for i, n in ((1, 2), (2, 4))]


def message(id: str, parent: str | None, role: str, text: str, **more: Any) -> Row:
    return {"id": id, "parentId": parent, "role": role, "content": text, "timestamp": 1.7e9, **more}


ANSWERS = [("r1", "m1", "Yes"), ("r2", "m1", "No"), ("r3", "m2", "Maybe")]
CHAT = [
    message("s", None, "system", "Be kind.", childrenIds=["q"]),
    message("q", "s", "user", "Why?", childrenIds=["r1", "r2", "r3"]),
    *(message(id, "q", "assistant", text, model=model, childrenIds=[]) for id, model, text in ANSWERS),
    message("q2", "r1", "user", "And?", childrenIds=[]),
]
ARENA = [
    message("q", None, "user", "Why?", childrenIds=["r1", "r2"]),
    message("r1", "q", "assistant", "Yes", model="arena", arena=True, selectedModelId="m1"),
    message("r2", "q", "assistant", "No", model="arena", arena=True, selectedModelId="m2"),
]


def feedback(rating: int, rated: str, siblings: list[str], chat: list[Row] = CHAT, **more: Any) -> Row:
    """An entry of Open WebUI's feedback export."""
    model = next(m.get("selectedModelId") or m["model"] for m in chat if m["id"] == rated)
    history = {"messages": {m["id"]: m for m in chat}, "currentId": rated}
    row = {
        "id": f"f{rated}",
        "user_id": "u",
        "type": "rating",
        "data": {"rating": rating, "model_id": model, "sibling_model_ids": siblings, "reason": None, "comment": ""},
        "meta": {"arena": False, "chat_id": "c1", "message_id": rated},
        "snapshot": {"chat": {"id": "c1", "chat": {"models": ["m1"], "history": history}}},
        "created_at": 1704067200,
        "updated_at": 1704067200,
    }
    return row | more


ASKED = "system: Be kind. / Why?"
READ: dict[str, tuple[list[Row], dict[str, Any], list[str]]] = {
    "argilla, a ranking of three": (
        [argilla("order", said("ua", THREE), said("ub", ranks(("response-3", 1), ("response-1", 2), ("response-2", 3))))],
        {},
        ["ua: Yes > Maybe | Why?", "ua: Yes > No | Why?", "ub: Maybe > No | Why?", "ub: Maybe > Yes | Why?",
         "ub: Yes > No | Why?"],
    ),
    "argilla, labels of three": (
        [argilla("best", said("ua", "response-2"), said("ub", "2", status="draft"))],
        {},
        ["ua: No > Maybe | Why?", "ua: No > Yes | Why?"],
    ),
    "argilla, one of two questions": (
        [argilla("style", said("ua", "response-1"), fields={"prompt": "Why?", "text_a": "Yes", "text_b": "No"})
         | {"responses": {"style": [said("ua", "a")], "truth": [said("ua", "b")]}}],
        {"criterion": "truth"},
        ["ua: No > Yes | Why?"],
    ),
    "argilla, flat": (
        [FIELDS | {"id": "1", "status": "completed", "order.responses": [THREE], "order.responses.users": ["ua"],
                   "order.responses.status": ["submitted"], "order.suggestion": ranks(("response-2", 1))}],
        {},
        ["ua: Yes > Maybe | Why?", "ua: Yes > No | Why?"],
    ),
    "label studio, predictions are nobody's": ([task(by(1, result("pairwise", "pw", selected="left")))], {},
                                               ["1: Yes > No | Why?"]),
    "label studio, a choice beside a rating": (
        [task(by(1, result("choices", "better", choices=["Answer 2"]), *RATED[:1]))], {}, ["1: No > Yes | Why?"]),
    "label studio, ratings of both": (
        [task(by(1, *RATED), by(2, *(r | {"value": {"rating": 3}} for r in RATED)))],
        {},
        ["1: No > Yes | Why?", "2: No = Yes | Why?"],
    ),
    "label studio, a taxonomy": (
        [task(by(1, result("taxonomy", "tx", taxonomy=[["Better", "Left"]])))],
        {"label": {"Better/Left": "a"}},
        ["1: Yes > No | Why?"],
    ),
    "label studio, a ranker": (
        [task(by(1, result("ranker", "rank", ranker={"rank": ["x1", "x0", "x2"]})), prompt="Why?", items=ITEMS)],
        {},
        ["1: No > Maybe | Why?", "1: No > Yes | Why?", "1: Yes > Maybe | Why?"],
    ),
    "label studio, one of two questions": (
        [task(by(1, result("pairwise", "style", selected="left"), result("pairwise", "truth", selected="right")))],
        {"criterion": "truth"},
        ["1: No > Yes | Why?"],
    ),
    "open webui, each regeneration is an answer": (
        [feedback(1, "r2", ["m1", "m2"])], {}, [f"u: No > Maybe | {ASKED}", f"u: No > Yes | {ASKED}"]),
    "open webui, both liked": (
        [feedback(1, "r1", ["m2"]), feedback(1, "r3", ["m1"])], {}, [f"u: Maybe = Yes | {ASKED}"]),
    "open webui, both disliked": (
        [feedback(-1, "r1", ["m2"]), feedback(-1, "r3", ["m1"])], {}, [f"u: Maybe = Yes | {ASKED}"]),
    "open webui, one liked and one disliked": (
        [feedback(-1, "r1", ["m2"]), feedback(1, "r3", ["m1"])], {}, [f"u: Maybe > Yes | {ASKED}"]),
    "open webui, a rating that was changed": (
        [feedback(1, "r1", ["m2"]), feedback(-1, "r1", ["m2"], updated_at=1704070000)], {},
        [f"u: Maybe > Yes | {ASKED}"]),
    "open webui, an arena": ([feedback(-1, "r1", ["m2"], ARENA)], {}, ["u: No > Yes | Why?"]),
}  # fmt: skip


@pytest.mark.parametrize("container", ["list", "jsonl", "json", "parquet"])
@pytest.mark.parametrize("name", READ)
def test_an_export_is_read_as_it_is_meant(name: str, container: str, tmp_path: Path) -> None:
    rows, options, votes = READ[name]
    found = read_votes(written(rows, container, tmp_path), **options)
    assert told(found) == votes
    reading = found.reading
    assert reading.votes == reading.kept + reading.rejected + reading.skipped + reading.repeated


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([argilla("q") | {"responses": {}}], "no responses, and suggestions are none"),
        ([argilla("q", said("ua", "better"))], r"unknown label, got 'better' .*response-3 or tie, .*--label 'better'=a"),
        ([task()], "no annotations; predictions are none"),
        ([task(by(1, *RATED[:1]))], "has no verdict, got"),
        ([task(by(1, result("pairwise", "pw", selected="left"), result("pairwise", "pw", selected="right")))],
         r"says several things, got \['left', 'right'\]"),
        ([task(by(1, result("choices", "c", choices=["answer1", "answer2"])))], "--label 'answer1, answer2'=a"),
        ([task(by(1, result("ranker", "r", ranker={"good": ["x1"], "bad": ["x0", "x2"]})), prompt="Why?", items=ITEMS)],
         "is no order of the answers"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused(rows: list[Row], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        read_votes(rows)


def test_the_answers_to_one_message_are_compared_once_in_whatever_order_they_are_rated() -> None:
    """The second answer was rated when there were two, the third one when there were three."""
    rows = [feedback(1, "r2", ["m1"]), feedback(1, "r3", ["m1", "m1"])]
    votes = read_votes(rows)
    assert told(votes) == [f"u: Maybe = No | {ASKED}", f"u: Maybe > Yes | {ASKED}", f"u: No > Yes | {ASKED}"]
    assert (votes.reading.both_good, votes.reading.kept) == (1, 3)
