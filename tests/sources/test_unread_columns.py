"""Columns that nobody read and that change what the votes are: reading stops, and names the option that settles it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from told import Row, refused, told, vote, written

from votewise.errors import BadInputError
from votewise.sources import read_votes
from votewise.sources.meanings.criteria import CRITERIA


def pair(i: int, **more: Any) -> Row:
    return {"prompt": f"Ask {i}", "chosen": f"good{i}", "rejected": f"poor{i}"} | more


@pytest.mark.parametrize("name", ["scenario", "text", "source", "title", "user", "stimulus", "Question Text"])
def test_a_prompt_under_a_name_that_nobody_knows_is_not_left_out(name: str) -> None:
    rows = [{name: f"Is it {i} or is it not", "chosen": f"good{i}", "rejected": f"poor{i}"} for i in (1, 2)]
    refused(rows, "--columns " + shlex.quote(f"prompt={name}"), "--columns " + shlex.quote(f"{name}="))
    assert told(read_votes(rows, columns={"prompt": name}))[0] == "(unknown): good1 > poor1 | Is it 1 or is it not"
    assert len(read_votes(rows, columns={name: ""})) == 2


@pytest.mark.parametrize(
    "name",
    ["rationale", "chosen_reason", "comment_text", "created_at", "category", "model_family", "judge_explanation"],
)
def test_texts_about_the_vote_are_no_prompt(name: str) -> None:
    rows = [{"chosen": f"good{i}", "rejected": f"poor{i}", name: f"because of {i} things"} for i in (1, 2)]
    assert len(read_votes(rows)) == 2


def test_a_second_prompt_that_says_something_else_is_not_left_out() -> None:
    rows = [pair(i, question=f"What is {i}?") for i in (1, 2)]
    refused(rows, "'question'", "--columns input=question", "--columns question=")
    assert told(read_votes(rows, columns={"input": "question"}))[0].endswith("| Ask 1\n\nWhat is 1?")
    same = [pair(i, question=f"Ask {i}") for i in (1, 2)]
    inside = [pair(i, problem=f"{i}") for i in (1, 2)]
    of_annotators = [pair(i, question="Which one is better?") for i in (1, 2)]
    for rows in (same, inside, of_annotators):
        assert told(read_votes(rows))[0] == "(unknown): good1 > poor1 | Ask 1"


@pytest.mark.parametrize("name", ["persona", "retrieved_docs", "table", "code", "hint"])
def test_texts_that_a_model_may_see_beside_the_prompt(name: str) -> None:
    rows = [pair(i, **{name: f"some words {i}"}) for i in (1, 2)]
    refused(rows, f"--columns background={name}", f"--columns {name}=")
    assert told(read_votes(rows, columns={"background": name}))[0].endswith("| some words 1\n\nAsk 1")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("label", (0, 1)), ("label", ("chosen", "rejected")), ("human_preference", ("rejected", "rejected")),
        ("vote", (1, -1)), ("agree", (True, False)), ("winner", ("a", "b")), ("human_label", ("chosen", "tie")),
    ],
)  # fmt: skip
def test_verdicts_beside_chosen_and_rejected(name: str, values: tuple[Any, Any]) -> None:
    refused([pair(i, **{name: v}) for i, v in enumerate(values)], f"--columns {name}=", f"--columns label={name}")


def test_verdicts_beside_chosen_and_rejected_may_be_the_votes() -> None:
    rows = [pair(i, human_label=v) for i, v in enumerate(("chosen", "rejected"))]
    names = {"response_a": "chosen", "response_b": "rejected", "label": "human_label"}
    assert told(read_votes(rows, columns=names)) == [
        "(unknown): good0 > poor0 | Ask 0", "(unknown): poor1 > good1 | Ask 1",
    ]  # fmt: skip
    assert len(read_votes(rows, columns={"human_label": ""})) == 2
    for same in (1, "chosen", True):
        assert len(read_votes([pair(i, label=same) for i in (1, 2)])) == 2


@pytest.mark.parametrize(
    ("chosen", "rejected"),
    [
        (("a", "b"), ("b", "a")),
        (("response_a", "response_b"), ("response_b", "response_a")),
        (("big", "small"), ("small", "big")),
    ],
)
def test_chosen_may_name_a_side_or_a_model(chosen: tuple[str, str], rejected: tuple[str, str]) -> None:
    rows = [
        {"prompt": f"Ask {i}", "response_a": f"one{i}", "response_b": f"two{i}", "model_a": "big", "model_b": "small"}
        | {"chosen": chosen[i], "rejected": rejected[i]}
        for i in (0, 1)
    ]
    assert told(read_votes(rows)) == ["(unknown): one0 > two0 | Ask 0", "(unknown): two1 > one1 | Ask 1"]


def test_several_criteria_are_refused_also_where_no_pair_has_two() -> None:
    rows = [vote(1, "a", aspect="helpful"), vote(2, "b", aspect="harmless")]
    refused(rows, "helpful, harmless", "--criterion helpful", "--columns aspect=")
    assert told(read_votes(rows, criterion="harmless")) == ["w: two2 > one2 | Ask 2"]


def test_questions_that_recur_stop_the_reading_and_those_that_do_not_keep_votes_apart() -> None:
    recurring = [vote(i, label, question_id=q) for i in (1, 2) for q, label in (("q1", "a"), ("q2", "b"))]
    refused(recurring, "question_id", "--criterion q1")
    votes = read_votes([vote(1, question_id=i) for i in range(3)])
    assert len(votes) == 3
    assert any("--columns question_id=" in note for note in votes.reading.notes)


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("frage_id", 1, 2), ("вопрос_id", "f1", "f2"), ("lfd. Nr.", "1", "2"), ("id", 7, 8), ("batch", "x", "y"),
        ("candidate", 1, 2),
        ("dataset", "d1", "d2"), ("url", "https://w.org/Cat", "https://w.org/Dog"), ("seconds_spent", 1.5, 2.5),
        ("session_id", "s", "t"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("label", ["a", "b"])
def test_no_name_of_a_column_makes_rows_that_differ_in_it_repetitions(
    name: str, one: Any, other: Any, label: str
) -> None:
    rows = [vote(1, "a", **{name: one}), vote(1, label, **{name: other}), vote(1, label, **{name: other})]
    votes = read_votes(rows)
    assert (len(votes), votes.reading.repeated) == (2, 1)
    assert any(f"'{name}'; --columns {shlex.quote(f'{name}=')}" in note for note in votes.reading.notes)
    assert len(read_votes(rows, columns={name: ""})) == 1


@pytest.mark.parametrize("name", ["tags", "meta", "herkunft"])
def test_lists_and_objects_whose_names_say_little_stop_the_reading_of_repetitions(name: str) -> None:
    rows = [vote(1, "a", **{name: {"bild": "rot"}}), vote(1, "b", **{name: {"bild": "blau"}})]
    refused(rows, f"'{name}'", f"--columns also={name}", f"--columns {name}=")
    assert len(read_votes(rows, columns={"also": name})) == 2


def test_times_tell_revisions_which_have_ids_of_their_own_and_answer_one_question() -> None:
    rows = [vote(1, side, id=i, submitted_at=f"2026-01-0{i}", lead_time=i) for side, i in (("a", 1), ("b", 2))]
    assert told(read_votes(rows)) == ["w: two1 > one1 | Ask 1"]
    for i, row in enumerate(rows):
        row["vraag_id"] = f"v{i}"
    assert len(read_votes(rows)) == 2
    same = [row | {"submitted_at": "2026-01-01", "vraag_id": "v"} for row in rows]
    assert len(read_votes(same)) == 2


def test_numbered_revisions_are_not_two_votes() -> None:
    rows = [vote(1, "b", revision=2), vote(1, "a", revision=1)]
    refused(rows, "--columns time=revision")
    assert told(read_votes(rows, columns={"time": "revision"})) == ["w: two1 > one1 | Ask 1"]


@pytest.mark.parametrize(
    ("name", "no", "yes"),
    [
        ("approved", False, True),
        ("accepted", False, True),
        ("is_latest", "false", "true"),
        ("superseded", True, False),
        ("is_bot", 1, 0),
    ],
)
def test_marks_of_rows_that_are_no_votes(name: str, no: Any, yes: Any) -> None:
    votes = read_votes([vote(1, "a", **{name: yes}), vote(2, "b", **{name: no})])
    assert told(votes) == ["w: one1 > two1 | Ask 1"]
    assert votes.reading.skipped == 1


def test_numbers_of_votes_and_several_people_beside_one_label() -> None:
    rows = [{k: v for k, v in vote(i, count=i).items() if k != "annotator"} for i in (2, 3)]
    refused(rows, "--columns weight=count", "--columns count=")
    assert read_votes(rows, columns={"weight": "count"}).weight.tolist() == [2, 3]
    people = [{k: v for k, v in vote(1).items() if k != "annotator"} | {"annotators": ["ann", "bob"]}]
    refused(people, "annotators", "several people")


def test_refusals_name_columns_as_the_file_does() -> None:
    rows = [{"Scenario": f"Is it {i} or not", "Chosen": f"good{i}", "Rejected": f"poor{i}"} for i in (1, 2)]
    with pytest.raises(BadInputError, match=re.escape("--columns prompt=Scenario")):
        read_votes(rows)


@pytest.mark.parametrize("name", CRITERIA)
def test_the_option_that_a_refusal_of_several_criteria_names_is_the_one_that_helps(name: str) -> None:
    rows = [vote(i, **{name: ("help", "safe")[i % 2]}) for i in range(4)]
    refused(rows, "--criterion help", f"--columns {shlex.quote(f'{name}=')}")
    assert len(read_votes(rows, criterion="help")) == 2
    assert len(read_votes(rows, columns={name: ""})) == 4


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("mensch_bevorzugt", ("rejected", "chosen")), ("avis", ("Rejected", "tie")), ("评价", ("rejected", "rejected")),
        ("expert_opinions", (["chosen", "rejected"], ["rejected"])), ("panel", (["chosen"], ["rejected", "rejected"])),
    ],
)  # fmt: skip
def test_words_that_speak_of_rejected_are_verdicts_whatever_the_column_is_called(name: str, values: Any) -> None:
    rows = [pair(i, **{name: v}) for i, v in enumerate(values)]
    role = "votes" if isinstance(values[0], list) else "label"
    named = shlex.quote(f"{role}={name}")
    refused(rows, f"--columns {shlex.quote(f'{name}=')}", f"--columns response_b=rejected --columns {named}")
    assert len(read_votes(rows, columns={name: ""})) == 2
    names = {"response_a": "chosen", "response_b": "rejected", role: name}
    found = told(read_votes(rows, columns=names))
    assert any("poor" in vote.split(">")[0] for vote in found)


@pytest.mark.parametrize(
    ("chosen", "rejected"),
    [
        ("upvotes_chosen", "upvotes_rejected"),
        ("chosen_wins", "rejected_wins"),
        ("n_voters_chosen", "n_voters_rejected"),
    ],
)
def test_numbers_of_people_beside_chosen_and_rejected(chosen: str, rejected: str) -> None:
    rows = [pair(1, **{chosen: 1, rejected: 3})]
    refused(
        rows, f"--columns {chosen}= --columns {rejected}=", f"--columns votes_a={chosen} --columns votes_b={rejected}"
    )
    names = {"response_a": "chosen", "response_b": "rejected", "votes_a": chosen, "votes_b": rejected}
    assert read_votes(rows, columns=names).sign.tolist() == [1, -1, -1, -1]


def test_what_says_where_the_better_answer_stood_is_no_verdict() -> None:
    rows = [pair(i, longer_answer=v) for i, v in enumerate(("rejected", "chosen"))]
    assert len(read_votes(rows)) == 2


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("worse", "a", "b"), ("rejected_response", "A", "B"), ("loser", "model_a", "model_b"),
        ("least_preferred", "left", "right"),
        ("not_preferred", "response_a", "response_b"), ("losing_side", "a", "b"),
    ],
)  # fmt: skip
def test_a_column_of_losers_is_no_label(name: str, one: str, other: str) -> None:
    rows = [{k: v for k, v in vote(i, **{name: side}).items() if k != "label"} for i, side in enumerate((one, other))]
    swapped = f"--columns label={name} --label '{one}'=b --label '{other}'=a"
    refused(rows, f"column '{name}'", "worse", swapped)
    refused(rows, f"column '{name}'", "worse", swapped, columns={"label": name})
    as_named = read_votes(rows, columns={"label": name}, label={one: "a", other: "b"})
    assert told(as_named) == ["w: one0 > two0 | Ask 0", "w: two1 > one1 | Ask 1"]
    votes = read_votes(rows, columns={"label": name}, label={one: "b", other: "a"})
    assert told(votes) == ["w: one1 > two1 | Ask 1", "w: two0 > one0 | Ask 0"]
    beside = [row | {"label": "a"} for row in rows]
    assert len(read_votes(beside)) == 2


def test_an_id_of_the_worse_answer_is_no_criterion() -> None:
    rows = [{"prompt": f"p{i}", "response_0": "x", "response_1": "y", "worse_response_id": i} for i in (0, 1)]
    refused(rows, "--label '0'=b --label '1'=a")
    names = [row | {"better_response_id": 1 - row["worse_response_id"]} for row in rows]  # type: ignore[operator]
    assert told(read_votes(names)) == ["(unknown): x > y | p1", "(unknown): y > x | p0"]


def test_models_that_lost_are_no_winners() -> None:
    rows = [vote(i, model_a="m", model_b="n", loser=who) for i, who in enumerate("mn")]
    refused([{k: v for k, v in row.items() if k != "label"} for row in rows], "'loser'", "the better one")


@pytest.mark.parametrize(
    ("name", "out"),
    [
        ("is_vote", False), ("trashed", True), ("failed_attention_check", "yes"), ("flagged_for_removal", True),
        ("to_discard", True), ("attention_check_failed", True), ("status", "TIMED_OUT"),
        ("status", "In-Progress"), ("status", "übersprungen"),
        ("status", "无效"), ("task_status", "Borrador"),
    ],
)  # fmt: skip
def test_more_marks_and_words_of_rows_that_are_no_votes(name: str, out: Any) -> None:
    fine = {True: False, False: True, "yes": "no"}.get(out, "done")
    rows = [vote(i, **{name: value}) for i, value in enumerate((out, fine))]
    votes = read_votes(rows)
    assert (told(votes), votes.reading.skipped) == (["w: one1 > two1 | Ask 1"], 1)


@pytest.mark.parametrize("word", ["descartado", "übersprungen", "черновик", "跳过", "下書き", "TIMED-OUT"])
def test_drafts_and_discarded_rows_in_other_languages(word: str) -> None:
    rows = [vote(i, zustand=value) for i, value in enumerate((word, "ok", "ok"))]
    refused(rows, word, "--columns status=zustand", "--columns zustand=")
    assert len(read_votes(rows, columns={"status": "zustand"})) == 2


@pytest.mark.parametrize("name", ["both_equal", "are_equal", "gleichstand", "empate", "no_preference", "平局"])
def test_marks_of_ties(name: str) -> None:
    votes = read_votes([pair(i, **{name: value}) for i, value in enumerate((True, False))])
    assert votes.sign.tolist() == [0, 1]


def test_two_winners_are_no_tie() -> None:
    rows = [{"prompt": f"p{i}", "response_a": "x", "response_b": "y", "win_a": 1, "win_b": 0, "tie": i} for i in (0, 1)]
    refused(rows, "not exactly one of win_a, win_b, tie is 1")
    rows[1]["win_a"] = 0
    assert told(read_votes(rows)) == ["(unknown): x = y | p1", "(unknown): x > y | p0"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("iVBORw0KGgoAAAANSUhEUgAAAAEA", "R0lGODlhAQABAIAAAAAAAP"),
        ("data:image/png;base64,aaa", "data:image/png;base64,bbb"),
        ("https://x.y/img?id=1", "https://x.y/img?id=2"), ("s3://b/k1", "s3://b/k2"), (b"\x89P1", b"\x89P2"),
    ],
)  # fmt: skip
def test_pictures_in_a_column_that_nobody_knows_tell_pairs_apart(one: Any, other: Any) -> None:
    rows = [vote(1, annotator=who, bild=value) for who, value in (("u", one), ("v", other))]
    refused(rows, "'bild'", "--columns image=bild", "--columns bild=")
    assert read_votes(rows, columns={"image": "bild"}).n_pairs == 2
    assert read_votes(rows, columns={"bild": ""}).n_pairs == 1


@pytest.mark.parametrize("name", ["source_url", "url", "permalink", "Post URL", "ASSIGNMENT:link"])
def test_addresses_of_where_a_row_comes_from_do_not(name: str) -> None:
    rows = [vote(1, annotator=who, **{name: f"https://x.y/{who}"}) for who in "uv"]
    assert read_votes(rows).n_pairs == 1


SCRIPTS = [
    ("背景", "一只红色的猫在桌子上", "一只蓝色的狗在桌子下"), ("場面", "赤い猫がここにいます", "青い犬がここにいます"),
    ("ฉาก", "แมวสีแดงอยู่บนโต๊ะ", "หมาสีน้ำเงินอยู่ใต้โต๊ะ"), ("배경", "빨간 고양이", "파란 개가"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "one", "other"), SCRIPTS)
def test_texts_in_scripts_without_spaces_are_texts(name: str, one: str, other: str) -> None:
    rows = [vote(1, annotator=who, **{name: text}) for who, text in (("u", one), ("v", other))]
    role = shlex.quote(f"background={name}")
    refused(rows, f"'{name}'", f"--columns {role}")
    assert read_votes(rows, columns={"background": name}).n_pairs == 2
    asked = [{k: v for k, v in row.items() if k != "prompt"} for row in rows]
    refused(asked, f"'{name}'", f"--columns {shlex.quote(f'prompt={name}')}")


@pytest.mark.parametrize("name", ["打分人", "採点した人"])
def test_names_in_such_scripts_are_names(name: str) -> None:
    rows = [pair(1, **{name: who}) for who in ("王小明", "田中太郎")]
    refused(rows, f"'{name}'", f"--columns {shlex.quote(f'annotator={name}')}")


@pytest.mark.parametrize("name", ["kriterium", "critère", "标准", "観点"])
def test_criteria_in_other_languages(name: str) -> None:
    rows = [vote(1, "a", **{name: "Stil"}), vote(2, "b", **{name: "Inhalt"})]
    refused(rows, "Stil, Inhalt", "--criterion Stil")
    assert told(read_votes(rows, criterion="Inhalt")) == ["w: two2 > one2 | Ask 2"]


def test_the_command_to_paste_names_answers_in_any_language() -> None:
    rows = [{"вопрос": "Кто?", "ответ_1": "я", "ответ_2": "ты", "лучший": "2"}]
    refused(rows, "--columns 'response_a=ответ_1' --columns 'response_b=ответ_2'")


def test_whole_numbers_beyond_64_bits_are_names(tmp_path: Path) -> None:
    ids = [12345678901234567890123, 12345678901234567890124]
    rows = [vote(1, annotator=who) for who in ids]
    assert read_votes(rows).annotator_ids.to_pylist() == list(map(str, ids))
    assert read_votes(written(rows, "jsonl", tmp_path)).annotator_ids.to_pylist() == list(map(str, ids))


@pytest.mark.parametrize(
    "name", ["image_id", "picture", "video_uid", "passage_id", "Img Hash", "persona_name", "图片", "foto_nr"]
)
@pytest.mark.parametrize("kind", [int, str])
def test_numbers_of_what_a_model_saw_tell_pairs_apart(name: str, kind: Any) -> None:
    rows = [vote(1, annotator=who, **{name: kind(i)}) for i, who in enumerate("uv")]
    role = shlex.quote(f"also={name}")
    refused(rows, f"'{name}'", f"--columns {role}")
    assert read_votes(rows, columns={"also": name}).n_pairs == 2
    assert read_votes(rows, columns={name: ""}).n_pairs == 1
