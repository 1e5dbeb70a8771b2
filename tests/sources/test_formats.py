"""Every format of docs/formats.md: recognised by itself and by name, from JSON lines, Parquet and Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from shapes import MULTIPREF, PLAIN, SHAPES, Shape, Vote, annotation, argilla, labelstudio

from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.sources import read_votes
from votewise.sources.registry import FORMATS

DOCS = Path(__file__).parents[2] / "docs" / "formats.md"


def last(response: Any) -> str:
    return response[-1]["content"] if isinstance(response, list) else response


def told(votes: Votes) -> list[Vote]:
    """The votes in words, which do not depend on codes, order or orientation."""
    pairs = votes.texts.to_pylist() if votes.texts is not None else [{"response_a": None}] * votes.n_pairs
    names = votes.pair_ids.to_pylist()
    found = []
    for pair, annotator, sign in zip(votes.pair, votes.annotator, votes.sign, strict=True):
        texts = pairs[pair]
        known = texts["response_a"] is not None
        a, b = (last(texts["response_a"]), last(texts["response_b"])) if known else (names[pair], names[pair])
        better, worse = (a, b) if sign > 0 else (b, a) if sign < 0 else sorted((a, b))
        found.append((votes.annotator_ids[int(annotator)].as_py(), better, worse, bool(sign == 0)))
    return sorted(found)


def check(shape: Shape, votes: Votes) -> None:
    reading = votes.reading
    assert reading is not None
    assert told(votes) == sorted(shape.votes)
    assert reading.format == shape.format
    assert reading.skipped == shape.skipped
    assert reading.votes == reading.kept + reading.rejected + reading.skipped + reading.repeated
    assert (votes.swapped is not None) == shape.shown
    if shape.prompt is not None:
        assert votes.texts is not None
        assert votes.texts.column("prompt")[0].as_py() == shape.prompt
    assert (votes.margin is None) == (shape.margins is None)
    if shape.margins is not None:
        np.testing.assert_allclose(votes.margin, shape.margins)
    assert (votes.weight is None) == (shape.weights is None)
    if shape.weights is not None:
        np.testing.assert_allclose(votes.weight, shape.weights)


@pytest.mark.parametrize("source", ["list", "jsonl", "json", "parquet", "arrow"])
@pytest.mark.parametrize("name", SHAPES)
def test_every_format_is_recognised_from_every_kind_of_file(name: str, source: str, tmp_path: Path) -> None:
    shape = SHAPES[name]
    format = shape.format if shape.by_name else "auto"
    path = tmp_path / f"votes.{source}"
    match source:
        case "list":
            check(shape, read_votes(shape.rows, format=format))
            return
        case "jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in shape.rows), "utf-8")
        case "json":
            path.write_text(json.dumps(shape.rows, indent=1), "utf-8")
        case "parquet":
            pq.write_table(pa.Table.from_pylist(shape.rows), path)
        case "arrow":
            with pa.ipc.new_file(path, (table := pa.Table.from_pylist(shape.rows)).schema) as file:
                file.write_table(table)
    check(shape, read_votes(path, format=format))


@pytest.mark.parametrize("name", SHAPES)
def test_every_format_can_be_named(name: str) -> None:
    shape = SHAPES[name]
    check(shape, read_votes(shape.rows, format=shape.format))


def test_every_format_has_an_example_and_a_place_in_the_docs() -> None:
    assert {shape.format for shape in SHAPES.values()} == set(FORMATS)
    text = DOCS.read_text("utf-8")
    assert [name for name in FORMATS if f"`{name}`" not in text] == []


def test_one_vote_per_row_keeps_the_columns_as_they_were() -> None:
    table = pa.Table.from_pylist([row | {"note": i} for i, row in enumerate(PLAIN)])
    assert read_votes(table).table.equals(table)


def test_renamed_columns_keep_their_own_names_in_the_table() -> None:
    rows = [{**row, "worker": row["annotator"], "annotator": "nobody"} for row in PLAIN]
    votes = read_votes(rows, columns={"annotator": "worker"})
    assert votes.annotator_ids.to_pylist() == ["u1", "u2", "u3"]
    assert set(votes.table.column_names) == set(rows[0])


def test_several_votes_per_row_get_columns_of_their_own_beside_the_rows() -> None:
    votes = read_votes(MULTIPREF)
    assert votes.table.column("annotator").to_pylist() == ["u1", "u2", "u3", "u4"]
    assert votes.table.column("prompt_id").to_pylist() == ["p1"] * 4
    assert votes.table.column("pair").to_pylist() == ["c1"] * 4
    assert votes.table.column("seconds").to_pylist() == [120.0] * 4
    assert votes.table.column("time")[0].as_py().isoformat() == "2024-05-01T12:00:00+00:00"
    assert "normal_worker_annotations" not in votes.table.column_names
    assert votes.row.tolist() == [0, 0, 0, 0]


def test_models_reasons_and_domains_are_kept() -> None:
    helpsteer = read_votes(SHAPES["helpsteer3, individual"].rows)
    assert helpsteer.domain_ids == ("code",)
    assert helpsteer.table.column("reason").to_pylist() == ["r"] * 3
    assert "no annotators" in helpsteer.reading.notes[0]
    webui = read_votes(SHAPES["openwebui"].rows)
    assert webui.table.column("reason").to_pylist() == ["helpful: good"] * 3
    assert webui.texts.column("model_a").to_pylist() == ["m1"]
    assert webui.time.tolist() == [1704067200.0] * 3


def test_responses_that_differ_before_the_last_message_stay_whole() -> None:
    user, bot = ({"role": role, "content": text} for role, text in (("user", "Hi"), ("assistant", "Bye")))
    rows = [
        SHAPES["arena"].rows[0]
        | {
            "conversation_a": [user, {"role": "assistant", "content": "1"}, user, bot],
            "conversation_b": [user, {"role": "assistant", "content": "2"}, user, bot],
        }
    ]
    texts = read_votes(rows).texts.to_pylist()[0]
    assert texts["prompt"] == [user]
    assert [len(texts[name]) for name in ("response_a", "response_b")] == [3, 3]


def test_plain_conversations_stay_conversations() -> None:
    rows = [
        {
            "prompt": [{"role": "user", "content": "Hi"}],
            "response_a": "Yes",
            "response_b": "No",
            "annotator": "u",
            "label": "a",
        }
    ]
    texts = read_votes(rows).texts.to_pylist()[0]
    assert texts["response_a"] == [{"role": "assistant", "content": "Yes"}]


def test_a_prompt_of_several_messages_repeated_in_the_responses_is_cut_off() -> None:
    prompt = [{"role": "system", "content": "Be kind"}, {"role": "user", "content": "Hi"}]
    yes, no = {"role": "assistant", "content": "Yes"}, {"role": "assistant", "content": "No"}
    texts = read_votes([{"prompt": prompt, "chosen": [*prompt, yes], "rejected": [*prompt, no]}]).texts.to_pylist()[0]
    assert texts == {"prompt": prompt, "response_a": [yes], "response_b": [no]}


@pytest.mark.parametrize(
    ("values", "expected"),
    [(["A", "b"], [1, -1]), (["1", "2"], [1, -1]), ([["response-2", "response-1"], "Response_1"], [-1, 1])],
)
def test_argilla_answers_have_several_spellings(values: list[Any], expected: list[int]) -> None:
    # Two records, because a column with both labels and rankings is unlikely but readable.
    rows = [argilla([value], [f"u{i}"], ["submitted"]) for i, value in enumerate(values)]
    assert read_votes(rows).sign.tolist() == expected


def test_argilla_names_the_questions_that_could_be_meant() -> None:
    row = argilla(["response-1"], ["u1"], ["submitted"]) | argilla(["response-2"], ["u1"], ["submitted"], "other")
    with pytest.raises(BadInputError, match=r"several questions.*preference, other .*--criterion preference"):
        read_votes([row])


def test_labelstudio_notes_what_it_reads_as_ties() -> None:
    votes = read_votes(SHAPES["labelstudio"].rows)
    assert votes.reading.notes == (
        "Skipped: 1 cancelled annotation.",
        "Read as ties: 1 annotation without a choice.",
    )
    with pytest.raises(BadInputError, match=r"annotations\[0\].result.*'up'.*left or right"):
        read_votes([labelstudio(annotation(1, "up"))])


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("multipref", {"normal_worker_annotations": [{"evaluator": "u", "overall_pref": "A"}]}, "overall_pref"),
        ("multipref", {"normal_worker_annotations": [{"evaluator": None, "overall_pref": "Tie"}]}, "evaluator"),
        ("multipref", {"normal_worker_annotations": "none"}, "is not a list"),
        ("helpsteer3, overall", {"overall_preference": 4}, "from -3"),
        ("helpsteer3, individual", {"individual_preference": [{"score": "2"}]}, r"individual_preference\[0\].score"),
        ("prism", {"if_chosen": "perhaps"}, "true or false"),
        ("arena", {"winner": "model_c"}, "model_a, model_b, tie or one of the models' names"),
        ("arena", {"conversation_a": []}, "is not a conversation"),
        ("ultrafeedback", {"all_rm_scores": [1.0]}, "does not have one score per response"),
        ("hh-rlhf", {"chosen": "\n\nHuman: other\n\nAssistant: Yes"}, "prompts of chosen and rejected differ"),
        ("openwebui", {"data": {"rating": 5, "model_id": "m1", "sibling_model_ids": ["m2"]}}, "1 or -1"),
        ("openwebui", {"created_at": "once"}, "cannot be read as a time"),
        ("argilla, labels", {"preference.responses.users": ["u1"]}, "a different length"),
        ("argilla, labels", {"preference.responses": ["response-3"] * 4}, r"unknown label"),
        ("labelstudio", {"data": {"prompt": "Hi"}}, "does not have two answers"),
        ("alpacaeval", {"preference": 3.0}, "1 to 2"),
        ("trl, explicit conversations", {"chosen": [{"role": "assistant"}]}, "is not a conversation"),
    ],
)
def test_what_a_format_cannot_read_names_row_and_column(name: str, change: dict[str, Any], message: str) -> None:
    shape = SHAPES[name]
    rows = [*shape.rows[1:], shape.rows[0] | change]
    with pytest.raises(BadInputError, match=message) as error:
        read_votes(rows, format=shape.format)
    assert error.value.row == len(rows)
    assert error.value.column is not None


def test_one_bad_annotation_leaves_the_others_of_its_row(tmp_path: Path) -> None:
    row = json.loads(json.dumps(MULTIPREF[0]))
    row["expert_worker_annotations"][1]["overall_pref"] = "C"
    rejects = tmp_path / "rejected.jsonl"
    votes = read_votes([row], on_error="skip", rejects=rejects)
    assert (votes.reading.kept, votes.reading.rejected) == (3, 1)
    entry = json.loads(rejects.read_text("utf-8"))
    assert entry["column"] == "expert_worker_annotations[1].overall_pref"
    assert entry["record"]["comparison_id"] == "c1"
