"""The contract on data: nothing is changed, merged, lost or guessed in silence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from votewise.errors import BadInputError
from votewise.sources import read_votes
from votewise.sources.containers.quoting import unbalanced_line
from votewise.sources.texts.text_conversations import parsed_list

VOTE = {"prompt": "p", "response_a": "x", "response_b": "y", "annotator": "u", "label": "a"}
CHOSEN = {"chosen": "yes", "rejected": "no"}


def prompts(rows: list[dict[str, Any]]) -> list[Any]:
    votes = read_votes(rows)
    assert votes.texts is not None
    return votes.texts.column("prompt").to_pylist()


# Every part of the prompt counts.


@pytest.mark.parametrize(
    "name",
    ["prompt", "Prompt", "question", "instruction", "query", "article", "post", "context", "problem", "user prompt"],
)
def test_a_text_under_another_name_is_the_prompt(name: str) -> None:
    assert prompts([{name: "one?", **CHOSEN}, {name: "two?", **CHOSEN}]) == ["one?", "two?"]


def test_system_history_and_prompt_are_one_conversation_in_this_order() -> None:
    rows = [
        {"question": "And now?", "history": [["Hi", "Hello"]], "system": "Be brief.", **CHOSEN},
        {"question": "And now?", "history": [], "system": "Be brief.", **CHOSEN},
    ]
    roles = [[message["role"] for message in prompt] for prompt in prompts(rows)]
    assert roles == [["system", "user", "assistant", "user"], ["system", "user"]]


def test_instruction_and_input_are_one_text() -> None:
    rows = [{"instruction": "Translate.", "input": text, **CHOSEN} for text in ("bread", "")]
    assert prompts(rows) == ["Translate.\n\nbread", "Translate."]


def test_a_part_that_repeats_another_one_is_read_once() -> None:
    rows = [{"instruction": "Add 2 and 2.", "input": "Add 2 and 2.", **CHOSEN},
            {"instruction": "Add", "input": "Add 3 and 3.", **CHOSEN}]  # fmt: skip
    votes = read_votes(rows)
    assert votes.texts is not None
    assert votes.texts.column("prompt").to_pylist() == ["Add 2 and 2.", "Add\n\nAdd 3 and 3."]
    assert "The prompt is made of the columns 'instruction', 'input'" in votes.reading.notes[0]


def test_a_conversation_that_holds_the_answer_is_no_history() -> None:
    talk = [{"role": "user", "content": "p"}, {"role": "assistant", "content": "yes"}]
    assert prompts([{"prompt": "p", "messages": talk, **CHOSEN}]) == ["p"]


def test_a_history_that_ends_with_words_of_an_answer_is_a_history() -> None:
    talk = [{"role": "user", "content": "Ready?"}, {"role": "assistant", "content": "yes"}]
    (prompt,) = prompts([{"question": "p", "history": talk, **CHOSEN}])
    assert prompt == [*talk, {"role": "user", "content": "p"}]
    other = [*talk[:1], {"role": "assistant", "content": "well"}]
    rows = [{"question": "p", "conversation": said, **CHOSEN} for said in (talk, other)]
    with pytest.raises(
        BadInputError, match=r"ends with one of the answers in row 1 and not in row 2.*history=conversation"
    ):
        read_votes(rows)
    assert read_votes(rows, columns={"history": "conversation"}).n_pairs == 2


def test_a_conversation_that_holds_the_preferred_answer_does_not_tell_rows_apart() -> None:
    rows = [
        {
            "prompt": "p",
            "chosen": a,
            "rejected": b,
            "messages": [{"role": "user", "content": "p"}, {"role": "assistant", "content": a}],
        }
        for a, b in (("x", "y"), ("y", "x"))
    ]
    votes = read_votes(rows)
    assert (votes.n_pairs, votes.sign.tolist()) == (1, [1, -1])


def test_a_question_asked_twice_is_cut_at_the_second_time() -> None:
    talk = [{"role": role, "content": text} for role, text in (("user", "p"), ("assistant", "hm"), ("user", "p"))]
    x, y = ({"role": "assistant", "content": text} for text in "xy")
    assert prompts([{"prompt": "p", "chosen": [*talk, x], "rejected": [*talk, y]}]) == [talk]


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("tools", [{"name": "f"}], [{"name": "g"}]),
        ("chat_template_kwargs", {"think": True}, {"think": False}),
        ("images", ["a.png"], ["b.png"]),
        ("image", b"\x00", b"\x01"),
    ],
)
def test_what_a_model_sees_beside_the_texts_tells_pairs_apart(name: str, one: Any, other: Any) -> None:
    votes = read_votes([{"prompt": "p", name: seen, **CHOSEN} for seen in (one, other, one)])
    assert (votes.n_pairs, len(votes)) == (2, 3)


@pytest.mark.parametrize(
    "key", [{"tool_calls": [{"name": "f"}]}, {"reasoning_content": "because"}, {"name": "bob"}, {"thinking": "hm"}]
)
def test_what_else_an_answer_has_tells_answers_apart(key: dict[str, Any]) -> None:
    rows = [{"prompt": "p", "chosen": [{"role": "assistant", "content": "", **key}],
             "rejected": [{"role": "assistant", "content": ""}]}]  # fmt: skip
    assert len(read_votes(rows)) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1}', '{"a": 2}'),
        ('{"question": "q", "n": 1}', '{"question": "q", "n": 2}'),
        ('{"question": "q"}', '{"task": "q", "question": "q"}'),
    ],
)
def test_prompts_that_spell_different_objects_differ(one: str, other: str) -> None:
    assert read_votes([VOTE | {"prompt": text} for text in (one, other)]).n_pairs == 2


def test_ids_and_times_of_messages_do_not_tell_answers_apart() -> None:
    rows = [{"prompt": "p", "chosen": [{"role": "assistant", "content": "x", "id": i}],
             "rejected": [{"role": "assistant", "content": "y", "id": -i}]} for i in (1, 2)]  # fmt: skip
    assert read_votes(rows).n_pairs == 1


def test_roles_in_other_words_and_from_value_are_understood() -> None:
    rows = [{"conversations": [{"from": "human", "value": "Hi"}], "chosen": {"from": "gpt", "value": "x"},
             "rejected": {"from": "gpt", "value": "y"}}]  # fmt: skip
    votes = read_votes(rows)
    assert votes.texts is not None
    assert votes.texts.to_pylist()[0] == {
        "prompt": [{"role": "user", "content": "Hi"}],
        "response_a": [{"role": "assistant", "content": "x"}],
        "response_b": [{"role": "assistant", "content": "y"}],
    }


@pytest.mark.parametrize(
    "text",
    [
        '[{"role": "user", "content": "it\'s"}]',
        """[{'role': 'user', 'content': "it's"}]""",
        """array([{'role': 'user', 'content': "it's"}], dtype=object)""",
    ],
)
def test_a_conversation_may_be_a_text(text: str) -> None:
    assert parsed_list(text) == [{"role": "user", "content": "it's"}]


def test_numpy_puts_no_commas_between_messages() -> None:
    text = "[{'role': 'user', 'content': 'a } {b'}\n {'role': 'assistant', 'content': \"c\"}]"
    found = parsed_list(text)
    assert found is not None
    assert [message["content"] for message in found] == ["a } {b", "c"]


@pytest.mark.parametrize("text", ["", "[", "[1, 2]", "[{]", "{'a': 1}", "[__import__('os')]", "[" * 5000, None, 3])
def test_other_texts_are_no_conversations(text: Any) -> None:
    assert parsed_list(text) is None


def test_some_conversations_among_texts_are_refused() -> None:
    talk = '[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "x"}]'
    with pytest.raises(BadInputError, match=r"row 2, column 'chosen': is a text, where other rows hold a conversation"):
        read_votes([{"chosen": talk, "rejected": talk.replace("x", "y")}, {"chosen": "x", "rejected": "y"}])


def test_texts_are_cut_where_a_word_ends() -> None:
    votes = read_votes(
        [{"chosen": "The sky is blue", "rejected": "The sky is black"}, {"chosen": "four", "rejected": "five"}]
    )
    assert votes.texts is not None
    found = votes.texts.to_pylist()
    assert (found[0]["prompt"], found[0]["response_a"]) == ("The sky is", " blue")
    assert (found[1]["prompt"], found[1]["response_a"]) == ("", "four")


# Rows that differ are not merged.


def test_rows_that_differ_in_a_text_that_nobody_read_are_not_one_pair() -> None:
    rows = [VOTE | {"annotator": who, "picture": text} for who, text in (("u", "a red house"), ("v", "a blue house"))]
    with pytest.raises(BadInputError, match=r"rows 1 and 2 have the same .* and differ in the column 'picture'"):
        read_votes(rows)
    assert read_votes(rows, columns={"picture": ""}).n_pairs == 1


def test_remarks_about_a_vote_may_differ() -> None:
    rows = [VOTE | {"annotator": who, "comment": f"said by {who}"} for who in "uv"]
    assert read_votes(rows).n_pairs == 1


def test_a_repeated_vote_that_differs_in_a_number_stays() -> None:
    votes = read_votes([VOTE | {"round_score": 1}, VOTE | {"round_score": 2}, VOTE | {"round_score": 2}])
    assert (len(votes), votes.reading.repeated) == (2, 1)
    assert any("'round_score'" in note for note in votes.reading.notes)


def test_a_repeated_vote_with_another_id_or_time_is_repeated() -> None:
    votes = read_votes([VOTE | {"vote_id": i, "submitted_at": f"2026-01-0{i}"} for i in (1, 2)])
    assert (len(votes), votes.reading.repeated) == (1, 1)


def test_answers_to_different_questions_are_refused_until_one_is_chosen() -> None:
    rows = [VOTE | {"criterion": name, "label": label} for name, label in (("color", "a"), ("shape", "b"))]
    with pytest.raises(BadInputError, match=r"several criteria: color, shape .*--criterion color"):
        read_votes(rows)
    votes = read_votes(rows, criterion="shape")
    assert (votes.sign.tolist(), votes.reading.skipped) == ([-1], 1)
    with pytest.raises(BadInputError, match=r"unknown criterion, got .size. .expected one of: color, shape"):
        read_votes(rows, criterion="size")


def test_both_orders_by_one_judge_are_two_votes() -> None:
    swapped = VOTE | {"response_a": "y", "response_b": "x", "label": "b"}
    votes = read_votes([VOTE, swapped, VOTE])
    assert (len(votes), votes.reading.repeated, votes.n_pairs) == (2, 1, 1)


# Values are not guessed.


def test_what_a_value_means_can_be_said() -> None:
    rows = [
        VOTE | {"annotator": str(i), "label": label}
        for i, label in enumerate(("Left is better", "no idea", "equal", "bad"))
    ]
    label = {"left is  better": "a", "no idea": "skip", "bad": "both_bad"}
    votes = read_votes(rows, label=label)
    assert votes.sign.tolist() == [1, 0, 0]
    assert (votes.reading.skipped, votes.reading.ties, votes.reading.both_bad) == (1, 2, 1)
    with pytest.raises(
        BadInputError, match=r"row 1, .*: unknown label, got 'Left is better'.*--label 'Left is better'=a"
    ):
        read_votes(rows)
    with pytest.raises(BadInputError, match=r"label: unknown meaning, got 'x=c'"):
        read_votes(rows, label={"x": "c"})


@pytest.mark.parametrize(
    ("names", "first", "second"),
    [
        (("response_0", "response_1"), "0", "1"),
        (("output_1", "output_2"), "1", "2"),
        (("left", "right"), "left", "right"),
        (("answer_A", "answer_B"), "A", "B"),
    ],
)
def test_a_label_may_be_the_end_of_an_answers_name(names: tuple[str, str], first: str, second: str) -> None:
    rows = [{"worker": str(i), "question": "q", names[0]: "x", names[1]: "y", "choice": value}
            for i, value in enumerate((first, second, "tie"))]  # fmt: skip
    assert read_votes(rows).sign.tolist() == [1, -1, 0]


def test_a_winner_that_is_a_models_name_and_a_side_is_refused() -> None:
    click = {
        "user": "u",
        "prompt": "p",
        "model_a": "b",
        "model_b": "a",
        "response_a": "x",
        "response_b": "y",
        "winner": "b",
    }
    with pytest.raises(BadInputError, match=r"column 'winner': 'b' may mean the side or the model of that name"):
        read_votes([click])


@pytest.mark.parametrize(
    ("side", "name"),
    [("a", "Second"), ("a", "model B"), ("a", "tie"), ("b", "answer_a"), ("b", "Skip"), ("b", "Both bad")],
)
def test_a_model_with_a_name_like_a_label_is_refused(side: str, name: str) -> None:
    click = {
        "user": "u",
        "prompt": "p",
        "response_a": "x",
        "response_b": "y",
        "winner": name,
        "model_a": "m",
        "model_b": "m2",
    }
    with pytest.raises(BadInputError, match=r"may mean the side or the model of that name"):
        read_votes([click | {f"model_{side}": name}])
    assert read_votes([click | {f"model_{side}": name}], label={name: "b"}).sign.tolist() == [-1]


def answered(left: str, right: str, label: str) -> dict[str, str]:
    return {"worker": f"{left} {right} {label}", "question": "q", "left": left, "right": right, "label": label}


def test_a_label_that_is_a_word_and_the_other_answers_text_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"'left' may mean the side or the answer of that text .row 2"):
        read_votes([answered("x", "y", "right"), answered("no", "left", "left")])
    assert read_votes([answered("no", "left", "left")], label={"left": "a"}).sign.tolist() == [1]


def test_a_column_shows_whether_its_labels_are_words_or_texts() -> None:
    words = [answered("no", "left", "left"), answered("x", "y", "left")]
    assert read_votes(words).sign.tolist() == [1, 1]
    texts = [answered("no", "left", "left"), answered("x", "y", "y")]
    assert read_votes(texts).sign.tolist() == [-1, -1]
    with pytest.raises(BadInputError, match=r"'left' may mean"):
        read_votes([*words, *texts])


def test_a_number_that_says_which_answer_is_better_is_never_an_answers_text() -> None:
    for row, sign in (
        ({"response_0": "1", "response_1": "0", "better_response_id": 0}, 1),
        ({"response_1": "x", "response_2": "-1", "preference_strength": -1}, 1),
        ({"human_ref_A": "1", "human_ref_B": "0", "labels": 0}, -1),
    ):
        assert read_votes([{"prompt": "q", **row}]).sign.tolist() == [sign]


def test_single_verdicts_are_no_comparisons() -> None:
    with pytest.raises(BadInputError, match=r"single verdicts .*KTO"):
        read_votes([{"prompt": "p", "completion": "x", "label": True}])


# People.


@pytest.mark.parametrize("name", ["worker", "worker_id", "labeler", "rater", "evaluator", "user_id", "annotator_index"])
def test_people_under_another_name_are_annotators(name: str) -> None:
    votes = read_votes([{"prompt": "p", name: who, **CHOSEN} for who in (1, 2, 1)])
    assert votes.annotator_ids.to_pylist() == ["1", "2"]
    assert votes.reading.repeated == 1


def test_two_columns_of_people_are_refused() -> None:
    with pytest.raises(BadInputError, match=r"several .* who voted: 'worker', 'judge'.*--columns annotator=worker"):
        read_votes([{"prompt": "p", "worker": "u", "judge": "v", **CHOSEN}])


def test_votes_of_people_beside_chosen_and_rejected_are_refused() -> None:
    said = [{"user_id": "u", "value": 1, "status": "submitted"}]
    with pytest.raises(BadInputError, match=r"column 'win': holds people's votes beside chosen and rejected"):
        read_votes([{"prompt": "p", "win": said, **CHOSEN}])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (VOTE | {"annotator_1": "a", "annotator_2": "b"}, "several votes .* --columns label= reads them"),
        (
            {"prompt": "p", **CHOSEN, "annotator_1": "a", "annotator_2": "b"},
            "several votes in the columns annotator_1, ",
        ),
        (
            {"prompt": "p", **CHOSEN, "votes_chosen": 3, "votes_rejected": 2},
            "several votes in the columns votes_chosen",
        ),
        ({"q": "p", "left": "x", "right": "y", "label": "left", "votes": ["a", "b"]}, ".*--columns votes= .*label="),
    ],
)
def test_votes_of_several_people_are_not_left_out_in_silence(row: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        read_votes([row])


def test_an_unknown_value_in_one_of_several_columns_of_votes_is_refused() -> None:
    row = {"prompt": "p", "response_a": "x", "response_b": "y", "rater1": "a", "rater2": "b", "rater3": "hm"}
    with pytest.raises(BadInputError, match=r"column 'rater3': unknown label, got 'hm'"):
        read_votes([row])
    assert read_votes([row], label={"hm": "skip"}).reading.skipped == 1


def test_a_voters_name_may_stand_beside_each_vote() -> None:
    row = {"prompt": "p", "response_a": "x", "response_b": "y", "domain": "d",
           "label_1": "a", "label_2": "b", "annotator_1": "ann", "annotator_2": "bob"}  # fmt: skip
    votes = read_votes([row])
    assert votes.annotator_ids.to_pylist() == ["ann", "bob"]
    assert votes.table.column("domain").to_pylist() == ["d", "d"]


def test_a_name_beside_a_vote_may_be_a_word_of_labels() -> None:
    row = {"prompt": "p", "response_a": "x", "response_b": "y",
           "label_1": "a", "label_2": "b", "annotator_1": "b", "annotator_2": "tie"}  # fmt: skip
    votes = read_votes([row])
    assert (votes.annotator_ids.to_pylist(), votes.sign.tolist()) == (["b", "tie"], [1, -1])


def test_an_empty_answer_is_an_answer() -> None:
    said = {"Q.responses": ["response-2"], "Q.responses.users": ["u"], "Q.responses.status": ["submitted"]}
    argilla = {"prompt": "p", "response-1": "x", "response-2": ""} | said
    result = [{"type": "pairwise", "from_name": "q", "value": {"selected": "right"}}]
    labelstudio = {
        "data": {"prompt": "p", "text1": "x", "text2": ""},
        "annotations": [{"completed_by": 1, "result": result}],
    }
    for row in (argilla, labelstudio):
        assert read_votes([row]).sign.tolist() == [-1]
    with pytest.raises(BadInputError, match=r"is about 'response-2', which this record lacks"):
        read_votes([argilla, argilla | {"response-2": None}])


# Optional columns.


@pytest.mark.parametrize(
    ("name", "value"),
    [("gold", "Paris"), ("margin", "slightly better"), ("weight", "high"), ("domain", ["a", "b"]), ("time", "late"),
     ("model_a", {"name": "m"})],
)  # fmt: skip
def test_an_optional_column_of_another_meaning_is_carried(name: str, value: Any) -> None:
    votes = read_votes([VOTE | {name: value}])
    assert votes.table.column(name).to_pylist() == [value]
    assert any(f"The column '{name}'" in note and "carried along" in note for note in votes.reading.notes)
    with pytest.raises(BadInputError, match=f"column '{name}'"):
        read_votes([VOTE | {name: value}], columns={name: name})


# Streams.


def test_a_generator_of_dicts_is_read() -> None:
    assert len(read_votes(VOTE | {"prompt": str(i)} for i in range(3))) == 3


# Files.


def test_one_split_is_read_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for split, number, parts in (("train", 0, 2), ("train", 1, 2), ("test", 0, 1)):
        row = VOTE | {"prompt": f"{split} {number}"}
        pd.DataFrame([row]).to_parquet(tmp_path / "data" / f"{split}-0000{number}-of-0000{parts}.parquet")
    votes = read_votes(tmp_path)
    assert (len(votes), votes.reading.notes[0]) == (2, "The split 'train' is read; left out: test.")
    assert len(read_votes(tmp_path, split="test")) == 1
    with pytest.raises(BadInputError, match=r"there is no split 'dev' .expected one of them: --split test"):
        read_votes(tmp_path, split="dev")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b'a,b\n1,"x"\n2,"y ""z"" w"\n', None),
        (b'a,b\n1,"x\ny"\n2,z\n', None),
        (b'a,b\n1,it"s\n', None),
        (b'a,b\n1,"x\n2,y\n3,"z"\n', 2),
        (b'a,b\n1,"x\n', 2),
        (b'a,b\n1,x\n2,"y"z\n', 3),
        (b"", None),
    ],
)
def test_quotes_that_do_not_balance_are_found(content: bytes, line: int | None) -> None:
    assert unbalanced_line(content, b",") == line


def test_an_unmatched_quote_swallows_nothing(tmp_path: Path) -> None:
    for suffix, separator in ((".csv", ","), (".tsv", "\t")):
        lines = ["annotator,pair,label,comment", 'u,1,a,"too short', "v,1,a,fine", 'w,1,b,"I do not know']
        (tmp_path / f"votes{suffix}").write_text("\n".join(lines).replace(",", separator) + "\n", "utf-8")
    with pytest.raises(BadInputError, match=r"a quote opens in line 2"):
        read_votes(tmp_path / "votes.csv")
    assert len(read_votes(tmp_path / "votes.tsv")) == 3


@pytest.mark.parametrize(
    "damage", [b"\x1f\x8b\x08\x00garbage", b"[" * 100_000, b"\xff\xfe\x00", b'{"a": 1' + b"0" * 6000 + b"}"]
)
def test_damage_is_one_line(damage: bytes, tmp_path: Path) -> None:
    for name in ("votes.jsonl", "votes.json", "votes.jsonl.gz", "votes.parquet", "votes.arrow", "votes.csv"):
        path = tmp_path / name
        path.write_bytes(damage)
        with pytest.raises(BadInputError) as error:
            read_votes(path)
        assert "\n" not in str(error.value)


def test_a_json_file_with_one_row_is_one_row(tmp_path: Path) -> None:
    path, talk = tmp_path / "votes.json", [{"role": "user", "content": "Hi"}]
    for more in ({"history": talk}, {"prompt": talk, "response_a": [{"role": "assistant", "content": "x"}]}):
        path.write_text(json.dumps(VOTE | more), "utf-8")
        assert len(read_votes(path)) == 1


def test_what_stands_beside_the_rows_of_a_json_object_is_named(tmp_path: Path) -> None:
    path = tmp_path / "votes.json"
    path.write_text(json.dumps({"version": 2, "info": {"a": 1}, "votes": [VOTE]}), "utf-8")
    assert read_votes(path).reading.notes == ("The rows are the list 'votes'; beside it and left out: version, info.",)
    path.write_text(json.dumps({"prompt": "said once", "votes": [VOTE]}), "utf-8")
    votes = read_votes(path)
    assert votes.texts["prompt"].to_pylist() == [VOTE.get("prompt", "said once")]
    assert votes.reading.notes == ("What stands beside the list 'votes' is read with each of its rows: prompt.",)


def test_two_arrow_streams_in_one_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "votes.arrow"
    table = pa.Table.from_pylist([VOTE])
    for written in (1, 2):
        with path.open("ab") as file, pa.ipc.new_stream(file, table.schema) as out:
            out.write_table(table)
        if written == 1:
            assert len(read_votes(path)) == 1
    with pytest.raises(BadInputError, match=r"goes on after its last row"):
        read_votes(path)


def test_the_role_of_every_column_is_told() -> None:
    reading = read_votes([{"worker": "u", "system": "s", "question": "q", "topic": "t", **CHOSEN}]).reading
    assert {column.name: column.role for column in reading.columns} == {
        "worker": "annotator", "system": "prompt (system)", "question": "prompt", "topic": None,
        "chosen": "chosen", "rejected": "rejected",
    }  # fmt: skip


def test_a_row_of_another_length_in_another_encoding_is_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "votes.csv"
    path.write_bytes("annotator,pair,label\nu,1,a\nJosé,2\n".encode("cp1252"))
    with pytest.raises(BadInputError) as error:
        read_votes(path)
    assert "\n" not in str(error.value)
    assert capfd.readouterr().err == ""
