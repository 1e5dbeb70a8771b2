"""Exports of annotation tools: fields that nobody reads, ratings taken for names of answers, older versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from told import Row, Sample, refused, written

from votewise.errors import BadInputError
from votewise.sources import read_votes
from votewise.sources.containers import stand_ins


def task(data: Row, *annotations: Row) -> Row:
    shared = {"completed_by": 1, "was_cancelled": False, "created_at": "2026-01-01T10:00:00Z"}
    return {"id": 1, "data": data, "annotations": [shared | annotation for annotation in annotations]}


def pairwise(side: str, **more: Any) -> Row:
    result = {"from_name": "pw", "to_name": "t1,t2", "type": "pairwise", "value": {"selected": side}}
    return {"result": [result]} | more


def said_by(*names: str) -> list[Row]:
    return [{"author": names[0], "text": "Hello."}, {"author": names[1], "text": "Good day."}]


ANSWERS = {"answer1": "x", "answer2": "y"}

LABEL_STUDIO = {
    "dialogues with other keys": Sample(
        [task({"dialogue": said_by("User", "Bot")[:1], **ANSWERS}, pairwise("left")),
         task({"dialogue": said_by("human", "ai"), **ANSWERS}, pairwise("right"))],
        ["1: x > y | Hello.", "1: y > x | Hello. / Good day."], "json"),
    "dialogues of unknown speakers": Sample(
        [task({"dialogue": said_by("Ann", "Bob"), **ANSWERS}, pairwise("left"))], container="json", refused=("dialogue",)),
    "unknown objects beside a prompt": Sample(
        [task({"prompt": "p", "table": [["1", "2"]], **ANSWERS}, pairwise("left")),
         task({"prompt": "p", "table": [["3", "4"]], **ANSWERS}, pairwise("right"))],
        ["1: x > y | p", "1: y > x | p"], "json"),
    "the annotation that was changed last": Sample(
        [task({"prompt": "p", **ANSWERS}, pairwise("left", updated_at="2026-02-05T10:00:00Z"),
              pairwise("right", created_at="2026-01-09T10:00:00Z", updated_at="2026-01-09T10:00:00Z"))],
        ["1: x > y | p"], "json"),
}  # fmt: skip


def record(responses: Row, **fields: Any) -> Row:
    return {
        "id": "r",
        "fields": {"instruction": "p", "response_1": "x", "response_2": "y"} | fields,
        "responses": responses,
    }


def by(user: str, value: Any, status: str = "submitted") -> Row:
    return {"user_id": user, "value": value, "status": status}


HUB: Row = {"prompt": "p", "response-1": "x", "response-2": "y", "metadata": "{}", "best-suggestion": "response-2"}
ORDER = {"rank": [2, 1], "value": ["response-1", "response-2"]}


def of_user(user: str, value: Any, status: str = "submitted") -> Row:
    return {"user_id": user, "values": {"best": {"value": value}}, "status": status}


ARGILLA = {
    "a chat": Sample(
        [record({"q": [by("u", "response_1")]}, instruction=None, chat=[{"role": "user", "content": "one"}]),
         record({"q": [by("u", "response_2")]}, instruction=None, chat=[{"role": "user", "content": "two"}])],
        ["u: x > y | one", "u: y > x | two"], "json"),
    "an unknown object": Sample(
        [record({"q": [by("u", "response_1")]}, instruction=None, board=[{"x": 1}])], container="json", refused=("board",)),
    "two ratings": Sample(
        [record({"rating_1": [by("u", 5), by("v", 2)], "rating_2": [by("v", 2), by("u", 1)]})],
        ["u: x > y | p", "v: x = y | p"], "json"),
    "two ratings beside a choice": Sample(
        [record({"rating_1": [by("u", 5)], "rating_2": [by("u", 1)], "better": [by("u", "response_2")]})],
        ["u: y > x | p"], "json"),
    "ratings by two criteria": Sample(
        [record({f"{c}_{i}": [by("u", i)] for c in ("safe", "kind") for i in (1, 2)})],
        container="json", refused=("safe", "kind", "--criterion")),
    "one of these criteria": Sample(
        [record({f"{c}_{i}": [by("u", i)] for c in ("safe", "kind") for i in (1, 2)})], ["u: y > x | p"], "json",
        options={"criterion": "kind"}),
    "one rating of a record": Sample(
        [record({"quality": [by("u", 2)]})], container="json", refused=("quality",)),
    "the older version on the hub, as a list": Sample(
        [HUB | {"best": [by("u", "response-1"), by("v", "response-2"), by("w", "response-2", "discarded")]}],
        ["u: x > y | p", "v: y > x | p"]),
    "the older version on the hub, as lists": Sample(
        [HUB | {"best": {"user_id": ["u", "v"], "value": [ORDER, ORDER], "status": ["submitted", "draft"]}}],
        ["u: y > x | p"], "parquet"),
    "the older version's own records": Sample(
        [{"fields": {"prompt": "p", "response-1": "x", "response-2": "y"}, "metadata": {}, "suggestions": [],
          "responses": [of_user("u", "response-1"), of_user("v", [{"value": "response-2", "rank": 1},
                                                                  {"value": "response-1", "rank": 2}]),
                        of_user("w", "response-2", "discarded")]}],
        ["u: x > y | p", "v: y > x | p"], "json"),
}  # fmt: skip

SHOWN = {
    "Label Studio's short text": Sample(
        [task({"prompt": "p", "lang": lang, **ANSWERS}, pairwise(side)) for lang, side in (("de", "left"), ("fr", "right"))],
        ["1: x > y | p", "1: y > x | p"], "json"),
    "Label Studio's picture": Sample(
        [task({"prompt": "p", "foto": f"{side}.png", **ANSWERS}, pairwise(side)) for side in ("left", "right")],
        ["1: x > y | p", "1: y > x | p"], "json"),
    "what Label Studio records": Sample(
        [task({"prompt": "p", "source": name, **ANSWERS}, pairwise("left")) for name in ("one", "two")],
        ["1: x > y | p"], "json"),
    "Argilla's picture": Sample(
        [record({"q": [by("u", f"response_{i}")]}, bild=f"{i}.png") for i in (1, 2)],
        ["u: x > y | p", "u: y > x | p"], "json"),
    "Argilla's only text": Sample(
        [record({"q": [by("u", f"response_{i}")]}, instruction=None, concept=word) for i, word in ((1, "dog"), (2, "cat"))],
        ["u: x > y | dog", "u: y > x | cat"], "json"),
    "a picture beside HelpSteer3": Sample(
        [{"bild": f"{i}.png", "context": [{"role": "user", "content": "p"}], "response1": "x", "response2": "y",
          "overall_preference": i, "individual_preference": [{"score": i}]} for i in (-1, 1)], refused=("bild",)),
    "a picture beside OpenAI's file": Sample(
        [{"bild": f"{i}.png", "input": {"messages": [{"role": "user", "content": "p"}]},
          "preferred_output": [{"role": "assistant", "content": "c"}],
          "non_preferred_output": [{"role": "assistant", "content": "r"}]} for i in (1, 2)], refused=("bild",)),
    "who voted, in JSON in a text": Sample(
        [{"prompt": "p", "chosen": "c", "rejected": "r", "metadata": f'{{"worker": "{who}"}}'} for who in "uv"],
        container="csv", refused=("--columns annotator=metadata.worker",)),
    "the same with its role": Sample(
        [{"prompt": "p", "chosen": "c", "rejected": "r", "metadata": f'{{"worker": "{who}"}}'} for who in "uv"],
        ["u: c > r | p", "v: c > r | p"], "csv", options={"columns": {"annotator": "metadata.worker"}}),
}  # fmt: skip

SAMPLES = {f"Label Studio: {name}": sample for name, sample in LABEL_STUDIO.items()}
SAMPLES |= {f"Argilla: {name}": sample for name, sample in ARGILLA.items()} | SHOWN


@pytest.mark.parametrize("name", SAMPLES)
def test_exports_are_read_as_their_owners_mean_them(name: str, tmp_path: Path) -> None:
    SAMPLES[name].check(tmp_path)


def test_a_format_without_further_parts_offers_no_option_for_them() -> None:
    rows = [
        {
            "context": [{"role": "user", "content": f"ask {i // 2}"}],
            "response1": f"good answer {i // 2}",
            "response2": f"poor answer {i // 2}",
            "overall_preference": -1,
            "individual_preference": [{"score": -1, "reasoning": "r", "feedback1": "f", "feedback2": "g"}],
            "retrieved": f"document {i} with words",
        }
        for i in range(4)
    ]
    with pytest.raises(BadInputError, match=r"expected --columns retrieved= if .*; this format takes no further part"):
        read_votes(rows)
    assert len(read_votes(rows, columns={"retrieved": ""})) == 2


def test_numbers_and_remarks_alone_are_no_ties() -> None:
    results = [{"from_name": "s", "to_name": n, "type": "number", "value": {"number": i}} for i, n in enumerate("ab")]
    task = {"id": 1, "data": {"prompt": "q", "a": "x", "b": "y"}}
    refused([task | {"annotations": [{"id": 1, "completed_by": 1, "result": results}]}], "has no verdict", "number")


@pytest.mark.parametrize("second", [1, 2])
def test_both_orders_by_one_judge_stay_where_it_is_not_known_what_was_shown(second: int) -> None:
    row = {"instruction": "q", "output_1": "x", "output_2": "y", "annotator": "j", "preference": 1}
    row |= {"generator_1": "g", "generator_2": "h"}
    swapped = row | {"output_1": "y", "output_2": "x", "generator_1": "h", "generator_2": "g", "preference": second}
    votes = read_votes([row, swapped, row])
    assert (votes.sign.tolist(), votes.reading.repeated) == ([1, -1 if second == 1 else 1], 1)


def test_an_arenas_conversations_about_two_questions_are_no_pair() -> None:
    def talk(asked: str, said: str) -> list[dict[str, str]]:
        return [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]

    row = {"model_a": "m", "model_b": "n", "winner": "model_a", "judge": "j", "tstamp": 1.0, "turn": 1}
    fine = row | {"conversation_a": talk("q", "x"), "conversation_b": talk("q", "y")}
    refused([fine, row | {"conversation_a": talk("q1", "x"), "conversation_b": talk("q2", "y")}], "another question")
    assert len(read_votes([fine])) == 1


@pytest.mark.parametrize("large", [False, True])
def test_one_annotators_votes_on_a_pair_in_tasks_that_differ_stay(
    large: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand_ins, "LARGE", 0 if large else stand_ins.LARGE)

    def task(number: int, side: str) -> Row:
        result = [{"from_name": "p", "to_name": "t", "type": "pairwise", "value": {"selected": side}}]
        data = {"prompt": "q", "a": "x", "b": "y", "item_no": number}
        return {"id": number, "data": data, "annotations": [{"id": number, "completed_by": 1, "result": result}]}

    votes = read_votes(written([task(1, "left"), task(2, "right")], "json", tmp_path))
    assert (sorted(votes.sign.tolist()), votes.n_pairs) == ([-1, 1], 1)
    assert any("another task" in note for note in votes.reading.notes)
    again = [task(1, "left"), task(1, "right") | {"id": 5}]
    again[1]["data"]["source"] = "web"
    assert read_votes(written(again, "json", tmp_path)).reading.repeated == 1
