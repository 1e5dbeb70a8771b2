"""Kinds of silent loss by rows that look like repetitions: words, pictures, ids and times that nobody read tell them apart.

As in ``test_kinds_of_columns``, every sample is made up, and its votes are written by hand. Each option that a refusal names
is tried as well.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from told import Row, Sample, refused, told

from votewise.sources import read_votes

VOTE = {"annotator": "w", "prompt": "p", "response_a": "x", "response_b": "y", "label": "a"}
BARE = {"annotator": "w", "response_a": "Ja.", "response_b": "Nein.", "label": "a"}
CHOSEN = {"prompt": "p", "chosen": "c", "rejected": "r"}


def both(row: Row, *changes: Row) -> list[Row]:
    """The row once for each change."""
    return [row | change for change in changes]


@pytest.mark.parametrize("name", ["frage", "element", "Question Text", "task_description", "topic", "source", "вопрос"])
def test_where_nothing_is_asked_a_single_word_is_not_lost(name: str) -> None:
    rows = both(BARE, {name: "eins"}, {name: "zwei", "label": "b"})
    refused(rows, name, "--columns")
    assert told(read_votes(rows, columns={"prompt": name})) == ["w: Ja. > Nein. | eins", "w: Nein. > Ja. | zwei"]


@pytest.mark.parametrize("name", ["city", "browser", "age_group", "condition"])
def test_words_about_the_annotators_are_no_prompt(name: str) -> None:
    """Each annotator has one value in all rows."""
    rows = [
        BARE | {"annotator": who, name: word, "label": side}
        for who, word, side in (("u", "Rom", "a"), ("v", "Oslo", "b"))
    ]
    assert told(read_votes(rows)) == ["u: Ja. > Nein. | ", "v: Nein. > Ja. | "]


@pytest.mark.parametrize("name", ["audio_path", "clip", "file", "image_url2", "source_url", "Datei"])
def test_addresses_of_what_was_shown_are_no_records(name: str) -> None:
    rows = both(VOTE, {name: "s3://bucket/one.mp4"}, {name: "s3://bucket/two.mp4", "label": "b"})
    refused(rows, name, f"--columns image={name}")
    assert told(read_votes(rows, columns={"image": name})) == ["w: x > y | p", "w: y > x | p"]


def test_lists_of_documents_tell_pairs_apart_where_the_user_says_so() -> None:
    rows = both(VOTE, {"quellen": [{"t": "Dogs bark."}]}, {"quellen": [{"t": "Cats meow."}], "label": "b"})
    refused(rows, "quellen", "--columns also=quellen")
    votes = read_votes(rows, columns={"also": "quellen"})
    assert votes.n_pairs == 2


def test_a_text_beside_the_prompt_is_offered_as_a_part_of_it() -> None:
    rows = both(VOTE, {"sys": "Be one kind."}, {"sys": "Be two kind.", "label": "b"})
    refused(rows, "--columns background=sys")
    found = told(read_votes(rows, columns={"background": "sys"}))
    assert found == ["w: x > y | Be one kind.\n\np", "w: y > x | Be two kind.\n\np"]


def test_numbers_of_questions_keep_votes_apart() -> None:
    rows = both(VOTE, {"question_id": "q1"}, {"question_id": "q2", "label": "b"})
    votes = read_votes(rows)
    assert told(votes) == ["w: x > y | p", "w: y > x | p"]
    assert any("question_id" in note for note in votes.reading.notes)
    assert len(read_votes(both(VOTE, {"question_id": "q1"}, {"question_id": "q2"}))) == 2


TIMES: list[tuple[str, list[Any]]] = [
    ("created_at", ["5/6/2026 10:00", "6/5/2026 10:00"]),
    ("time", ["05.06.2026 10:00", "06.06.2026 10:00"]),
    ("fecha", ["2026-05-13 10:00:00", "2026-05-14 10:00:00"]),
    ("SubmitTime", ["Wed Jan 07 10:00:00 PST 2026", "Thu Jan 08 10:00:00 PST 2026"]),
    ("zuletzt", ["2026-05-13 10:00:00", "2026-05-14 10:00:00"]),
]


@pytest.mark.parametrize(("name", "times"), TIMES)
def test_of_two_votes_that_disagree_the_first_does_not_count_by_chance(name: str, times: list[Any]) -> None:
    rows = both(VOTE, {name: times[0]}, {name: times[1], "label": "b"})
    refused(rows, name, f"--columns time={name}")
    assert told(read_votes(rows, columns={name: ""})) == ["w: x > y | p"]
    if times[0].startswith("20"):
        assert told(read_votes(rows, columns={"time": name})) == ["w: y > x | p"]
    assert len(read_votes(both(VOTE, {name: times[0]}, {name: times[1]}))) == 1


@pytest.mark.parametrize("name", ["updatedAt", "EndDate", "Submitted At", "last-modified"])
def test_times_under_names_in_other_letters(name: str) -> None:
    rows = both(VOTE, {name: "2026-01-03T10:00:00Z", "label": "b"}, {name: "2026-01-01T10:00:00Z"})
    assert told(read_votes(rows)) == ["w: y > x | p"]


PEOPLE = ["tagger", "scorer", "annot", "student_id", "nickname", "model_judge", "handle", "account_id"]


@pytest.mark.parametrize("name", PEOPLE)
def test_more_words_for_people_are_named(name: str) -> None:
    rows = both(CHOSEN, {name: "k1"}, {name: "k2"})
    refused(rows, name, f"--columns annotator={name}")
    assert told(read_votes(rows, columns={"annotator": name})) == ["k1: c > r | p", "k2: c > r | p"]


@pytest.mark.parametrize("name", ["session_id", "browser_session", "device_id", "chat_key", "uid", "teacher_id"])
def test_ids_that_recur_over_pairs_may_be_people(name: str) -> None:
    rows = [CHOSEN | {name: who} for who in ("k1", "k2", "k3")] + [CHOSEN | {"prompt": "q", name: "k1"}]
    refused(rows, name, f"--columns annotator={name}")
    assert len(read_votes(rows, columns={name: ""}).annotator_ids) == 1


@pytest.mark.parametrize("name", ["row_id", "batch_hash", "record_key"])
def test_ids_of_rows_are_nobody(name: str) -> None:
    rows = [CHOSEN | {name: f"n{i}"} for i in range(3)]
    assert told(read_votes(rows)) == ["(unknown): c > r | p"] * 3


def test_what_a_user_said_is_no_name() -> None:
    rows = [{"user": f"What is {i}?", "chosen": "c", "rejected": "r"} for i in ("one", "two")]
    refused(rows, "user", "--columns prompt=user")
    assert told(read_votes(rows, columns={"prompt": "user"}))[0] == "(unknown): c > r | What is one?"


NO_VOTES = {
    "an aborted one": Sample(
        both(VOTE, {"aborted": False}, {"aborted": True, "prompt": "q"}), ["w: x > y | p"]),
    "an expired one": Sample(
        both(VOTE, {"expired": "no"}, {"expired": "yes", "prompt": "q"}), ["w: x > y | p"], "csv"),
    "a verdict with an error": Sample(
        both(VOTE, {"verdict_status": "ok"}, {"verdict_status": "error", "prompt": "q"}), ["w: x > y | p"]),
    "an outcome": Sample(
        both(VOTE, {"outcome": "Completed"}, {"outcome": "Timed out", "prompt": "q"}), ["w: x > y | p"], "tsv"),
    "a word of its own": Sample(
        both(VOTE, {"zustand": "fertig"}, {"zustand": "draft", "prompt": "q"}),
        refused=("zustand", "--columns status=zustand")),
    "that word with its role": Sample(
        both(VOTE, {"zustand": "fertig"}, {"zustand": "draft", "prompt": "q"}), ["w: x > y | p"],
        options={"columns": {"status": "zustand"}}),
    "that word without one": Sample(
        both(VOTE, {"zustand": "fertig"}, {"zustand": "draft", "prompt": "q"}), ["w: x > y | p", "w: x > y | q"],
        options={"columns": {"zustand": ""}}),
    "titles with such words": Sample(
        both(VOTE, {"titel": "Draft"}, {"titel": "Skipped", "prompt": "q"}, {"titel": "Done", "prompt": "r"},
             {"titel": "Else", "prompt": "s"}, {"titel": "More", "prompt": "t"}),
        [f"w: x > y | {p}" for p in "pqrst"]),
    "a tie in numbers": Sample(
        both(CHOSEN, {"tie": 1}, {"tie": 0, "prompt": "q"}), ["(unknown): c = r | p", "(unknown): c > r | q"], "csv"),
    "numbers of ties beside numbers of votes": Sample(
        [{"prompt": "p", "response_a": "x", "response_b": "y", "votes_a": 1, "votes_b": 0, "tie": 1}],
        ["(unknown): x = y | p", "(unknown): x > y | p"], "csv"),
}  # fmt: skip


@pytest.mark.parametrize("name", NO_VOTES)
def test_rows_that_are_no_votes_or_no_preferences(name: str, tmp_path: Path) -> None:
    NO_VOTES[name].check(tmp_path)


@pytest.mark.parametrize("nothing", [None, ""])
@pytest.mark.parametrize("form", ["trl", "ms-swift", "two-answers"])
def test_a_row_without_a_system_text_beside_rows_with_one_asks_nothing_more(form: str, nothing: str | None) -> None:
    def talk(answer: str) -> list[Row]:
        return [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": answer}]

    columns: Row = {
        "trl": {"chosen": talk("Yes"), "rejected": talk("No")},
        "ms-swift": {"messages": talk("Yes"), "rejected_response": "No"},
        "two-answers": {"conversation_a": talk("Yes"), "conversation_b": talk("No"), "winner": "a", "judge": "j"},
    }[form]
    votes = read_votes([{"system": text, **columns} for text in (nothing, "Be kind.")])
    assert votes.reading.format == form
    asked = [{"role": "user", "content": "Hi"}]
    assert votes.texts["prompt"].to_pylist() == [asked, [{"role": "system", "content": "Be kind."}, *asked]]
