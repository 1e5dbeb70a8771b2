"""Kinds of silent loss by values and containers: quotes, winners' names, indices, roles, columns of another meaning.

As in ``test_kinds_of_columns``, every sample is made up, and its votes are written by hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from told import Row, Sample, refused, vote, written

from votewise.errors import BadInputError
from votewise.sources import read_votes
from votewise.sources.containers import stand_ins

HEAD = "annotator,prompt,response_a,response_b,label\n"
PAIR = {"prompt": "q", "response_a": "x", "response_b": "y"}
VOTE = PAIR | {"annotator": "u", "label": "a"}
SEEN = ["u: x > y | q"]


def frame(index: Any, *columns: str) -> pd.DataFrame:
    """One vote as a DataFrame without these columns."""
    row = {"annotator": "Ümit", "prompt": "Wo?", "response_a": "x", "response_b": "y", "label": "b"}
    return pd.DataFrame([{name: value for name, value in row.items() if name not in columns}], index=index)


def classes(names: list[str], numbers: list[int], column: str, **more: list[str]) -> datasets.Dataset:
    """A data set whose label is the number of a class."""
    kinds = {name: datasets.Value("string") for name in more} | {column: datasets.ClassLabel(names=names)}
    return datasets.Dataset.from_dict(more | {column: numbers}, features=datasets.Features(kinds))


def battle(winner: str, model: str) -> Row:
    talk = [{"role": "user", "content": "q"}]
    return {
        "model_a": model, "model_b": "m", "winner": winner, "judge": "j", "anony": True, "turn": 1, "tstamp": 1.7e9,
        "conversation_a": [*talk, {"role": "assistant", "content": "x"}],
        "conversation_b": [*talk, {"role": "assistant", "content": "y"}],
    }  # fmt: skip


def talk(role_key: str, text_key: str, roles: tuple[str, str]) -> Row:
    """chosen and rejected as conversations in other words."""
    return {
        name: [{role_key: roles[0], text_key: "Où?"}, {role_key: roles[1], text_key: text}]
        for name, text in (("chosen", "ici"), ("rejected", "là"))
    }


QUOTES = {
    "inches in a table with tabs": Sample(
        HEAD.replace(",", "\t") + 'u\tA 5" pipe?\tx\ty\ta\nv\tA 6" pipe?\tx\ty\tb\n',
        ['u: x > y | A 5" pipe?', 'v: y > x | A 6" pipe?'], "tsv"),
    "semicolons and doubled quotes": Sample(
        'annotator;pair;label;kommentar\nu;p1;a;"gut; sehr gut"\nv;p1;b;"er sagte ""nein"""\n',
        ["u: a > b | p1", "v: b > a | p1"], "csv"),
    "a quote that is not closed": Sample('annotator,pair,label,note\nu,p1,a,"open\nv,p1,b,ok\nw,p2,a,ok\n',
                                         container="csv", refused=("quote", "line 2")),
    "a quote after a backslash": Sample(HEAD + 'u,"say \\"hi\\", please",x,y,a\nv,"q2",x,y,b\n',
                                        ['u: x > y | say "hi", please', "v: y > x | q2"], "csv"),
    "a line break in quotes": Sample(HEAD + 'u,"line 1\nline 2",x,y,a\n', ["u: x > y | line 1\nline 2"], "csv"),
    "quotes inside of fields": Sample(HEAD + 'u,5" disk,x,y,a\nv,3" disk,x,y,b\n',
                                      ['u: x > y | 5" disk', 'v: y > x | 3" disk'], "csv"),
}  # fmt: skip

WINNERS = {
    "models called like the other side": Sample(
        [PAIR | {"user": "u", "model_a": "right", "model_b": "left", "winner": "left"}],
        container="csv", refused=("'left' may mean the side or the model",)),
    "a model called tie": Sample([PAIR | {"user": "u", "model_a": "tie", "model_b": "gpt", "winner": "tie"}],
                                 refused=("'tie' may mean",)),
    "models called 1 and 2": Sample(
        [{"question": "q", "answer_1": "x", "answer_2": "y", "model_1": "2", "model_2": "1", "winner": "1", "worker": "w"}],
        refused=("'1' may mean",)),
    "in plain votes": Sample([VOTE | {"label": "A", "model_a": "B", "model_b": "A"}], container="parquet",
                             refused=("'A' may mean",)),
    "in an arena": Sample([battle("model_b", "model_b")], container="json", refused=("'model_b' may mean",)),
    "one model on both sides": Sample([PAIR | {"user": "u", "model_a": "m", "model_b": "m", "winner": "m"}],
                                      refused=("'m'",)),
    "a model called like its own side": Sample(
        [PAIR | {"user": who, "model_a": "alpha", "model_b": "b", "winner": won}
         for who, won in (("u", "alpha"), ("v", "b"))],
        ["u: x > y | q", "v: y > x | q"]),
    "a text called like the other side": Sample([VOTE | {"label": "left", "response_a": "right", "response_b": "left"}],
                                                refused=("may mean the side or the answer",)),
}  # fmt: skip

FRAMES = {
    "the index is the annotator": Sample(
        frame(pd.Index(["Ümit"], name="annotator"), "annotator"), ["Ümit: y > x | Wo?"], "list"),
    "two levels of an index": Sample(
        frame(pd.MultiIndex.from_tuples([("Ümit", "Wo?")], names=["annotator", "prompt"]), "annotator", "prompt"),
        ["Ümit: y > x | Wo?"], "list"),
    "an index without a name": Sample(frame([17]), ["Ümit: y > x | Wo?"], "list"),
    "an index called like a column": Sample(frame(pd.Index([3], name="prompt")), ["Ümit: y > x | Wo?"], "list"),
    "names of classes": Sample(
        classes(["a", "b"], [1, 0], "label", annotator=["u", "v"], prompt=["q"] * 2, response_a=["x"] * 2,
                response_b=["y"] * 2),
        ["u: y > x | q", "v: x > y | q"], "list"),
    "classes with a tie": Sample(
        classes(["left", "right", "tie"], [0, 2], "choice", worker=["u", "v"], left=["x", "x"], right=["y", "y"]),
        ["u: x > y | ", "v: x = y | "], "list"),
    "roles in capitals": Sample([talk("role", "content", ("USER", "AI"))], ["(unknown): ici > là | Où?"]),
    "roles of ShareGPT": Sample([talk("from", "value", ("human", "gpt"))], ["(unknown): ici > là | Où?"], "parquet"),
    "speakers": Sample([talk("speaker", "text", ("human", "bot"))], ["(unknown): ici > là | Où?"], "json"),
    "speakers of whom nobody knows": Sample([talk("speaker", "text", ("Zoë", "Jo"))], container="json", refused=("role",)),
}  # fmt: skip

OTHER_MEANINGS = {
    "gold in prose": Sample([VOTE | {"gold": "The right answer is x."}], SEEN),
    "a gold score": Sample([VOTE | {"gold": 4.5}], SEEN, "parquet"),
    "a list of domains": Sample([VOTE | {"domain": ["law", "tax"]}], SEEN, "json"),
    "a weight in words": Sample([VOTE | {"weight": "hoch"}], SEEN, "csv"),
    "a time in words": Sample([VOTE | {"time": "gestern"}], SEEN, "csv"),
    "a pair of texts": Sample([VOTE | {"pair": ["x", "y"]}], SEEN),
    "models as objects": Sample([VOTE | {"model_a": {"name": "m1"}, "model_b": {"name": "m2"}}], SEEN, "parquet"),
    "a strength in German": Sample([VOTE | {"margin": "deutlich"}], SEEN, "json"),
    "strengths of three voters": Sample([VOTE | {"annotator": f"w{i}", "margin": m} for i, m in enumerate((1, 3, 2))],
                                        [f"w{i}: x > y | q" for i in range(3)], "csv"),
}  # fmt: skip

MESSAGES = {
    "Spanish": Sample([{"persona": "u", "pregunta": "q", "opción_1": "x", "opción_2": "y", "mejor": "1"}], container="csv",
                      refused=("found the columns persona, pregunta", "votewise read")),
    "Japanese": Sample([{"質問": "q", "回答1": "x", "回答2": "y", "選択": "1"}],
                       refused=("質問", "--columns 'response_a=回答1'")),
    "a label in an unknown column": Sample([{"prompt": "q", "answer1": "x", "answer2": "y", "pw": "left"}],
                                           container="csv", refused=("--columns label=pw",)),
    "nothing to compare": Sample([{"id": 1, "note": 0.5}], container="parquet", refused=("found the columns id, note",)),
}  # fmt: skip

KINDS = {
    "quotes": QUOTES,
    "winners": WINNERS,
    "frames": FRAMES,
    "other meanings": OTHER_MEANINGS,
    "messages": MESSAGES,
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, samples in KINDS.items() for name in samples])
def test_nothing_is_changed_in_silence(kind: str, name: str, tmp_path: Path) -> None:
    votes = KINDS[kind][name].check(tmp_path)
    if kind == "other meanings" and votes is not None:
        assert (votes.margin, votes.weight, votes.time, votes.gold, votes.domain) == (None,) * 5
        assert any("carried along" in note for note in votes.reading.notes)


@pytest.mark.parametrize("sample", MESSAGES.values(), ids=list(MESSAGES))
def test_a_message_is_at_most_eight_lines_long(sample: Sample, tmp_path: Path) -> None:
    sample.check(tmp_path)
    with pytest.raises(BadInputError) as refused:
        read_votes(sample.rows)
    assert len(str(refused.value)) < 8 * 80
    assert "column=" not in str(refused.value)


def test_the_options_of_a_refusal_are_what_makes_it_readable() -> None:
    row = {"prompt": "q", "answer1": "x", "answer2": "y", "pw": "left"}
    votes = read_votes([row], columns={"response_a": "answer1", "response_b": "answer2", "label": "pw"})
    assert votes.sign.tolist() == [1]


def test_texts_without_a_role_are_said() -> None:
    votes = read_votes([VOTE | {"hintergrund": "Es war einmal ein Haus.", "seite": 3}])
    assert any(
        "Texts in 'hintergrund' have no role; --columns background=hintergrund" in n for n in votes.reading.notes
    )


BYTES = [
    (b"\xff", "text"), ("text", b"x"), (b"x", 1), ([b"x"], ["y"]), ({"k": b"x"}, {"k": "y"}), ({"k": [b"x"]}, {"k": ["a"]}),
    ([b"x", "y"], None),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), BYTES)
@pytest.mark.parametrize("container", [list, iter, pd.DataFrame])
def test_bytes_among_texts_are_refused_and_not_converted(one: Any, other: Any, container: Any) -> None:
    rows = [vote(i, note=value) for i, value in enumerate((one, other))]
    refused(container(rows), "row", "column 'note'", "bytes in some rows")


def test_bytes_among_texts_of_later_rows_and_other_files(tmp_path: Path) -> None:
    rows = [vote(i, note=b"x" if i < 5_100 else "y") for i in range(5_200)]
    refused(iter(rows), "row 5,101, column 'note'")
    for i, value in enumerate((b"x", "y")):
        pq.write_table(pa.Table.from_pylist([vote(i, note=value)]), tmp_path / f"{i}.parquet")
    refused(tmp_path, "column 'note'", "bytes")


def test_bytes_alone_stay_bytes() -> None:
    rows = [vote(1, note=b"\xff"), vote(2, note=None), vote(3, note=b"a")]
    assert read_votes(rows).table.column("note").to_pylist() == [b"\xff", None, b"a"]
    pictures = [vote(1, image={"bytes": b"\xff", "path": "a"}), vote(2, image={"bytes": None, "path": "b"})]
    assert read_votes(pictures).table.column("image").to_pylist()[0] == {"bytes": b"\xff", "path": "a"}


def test_an_unnamed_index_of_texts_is_a_column() -> None:
    frame = pd.DataFrame([vote(1), vote(2)], index=["ann", "bob"])
    assert read_votes(frame).table.column("index").to_pylist() == ["ann", "bob"]
    assert "index" not in read_votes(frame.set_axis([7, 9])).table.column_names


@pytest.mark.parametrize(
    ("asks", "answers"),
    [("Human", "AI"), ("prompter", "chatgpt"), ("nutzer", "assistent"), ("用户", "助手"), ("USER", "model")],
)
@pytest.mark.parametrize("container", ["list", "csv", "parquet"])
def test_roles_in_other_words_are_those_of_chat_templates_and_said(
    asks: str, answers: str, container: str, tmp_path: Path
) -> None:
    def talk(said: str) -> Any:
        messages = [{"role": asks, "content": "Hi"}, {"role": answers, "content": said}]
        return str(messages) if container == "csv" else messages

    votes = read_votes(written([{"chosen": talk("Yes"), "rejected": talk("No")}], container, tmp_path))
    texts = votes.texts.to_pylist()[0]
    roles = [texts[name][0]["role"] for name in ("prompt", "response_a", "response_b")]
    assert roles == ["user", "assistant", "assistant"]
    assert any(f"'{answers}' as assistant" in note for note in votes.reading.notes)


def test_roles_that_nobody_knows_are_said() -> None:
    def talk(said: str) -> list[Row]:
        return [{"role": "narrator", "content": "Once"}, {"role": "hero", "content": said}]

    notes = read_votes([{"chosen": talk("Yes"), "rejected": talk("No")}]).reading.notes
    assert any("'hero', 'narrator'" in note for note in notes)


@pytest.mark.parametrize("container", ["list", "jsonl", "parquet"])
@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("listed", [False, True])
def test_a_conversation_that_ends_with_an_answer_has_the_prompt_if_nothing_else_has(
    container: str, large: bool, listed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand_ins, "LARGE", 0 if large else stand_ins.LARGE)

    def said(text: str) -> Any:
        return [{"role": "assistant", "content": text}] if listed else text

    rows = [
        {
            "messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "ten"}],
            "chosen": said("ten"),
        }
        | {"rejected": said("nine")}
        for text in ("Age?", "Size?")
    ]
    votes = read_votes(written(rows, container, tmp_path))
    prompts = [[message["content"] for message in prompt] for prompt in votes.texts.column("prompt").to_pylist()]
    assert prompts == [["Age?"], ["Size?"]]
    beside = [row | {"prompt": f"{i}"} for i, row in enumerate(rows)]
    assert "'ten'" not in str(read_votes(written(beside, container, tmp_path)).texts.column("prompt").to_pylist())


@pytest.mark.parametrize("name", ["split", "subset", "Aufteilung", "usage", "which"])
@pytest.mark.parametrize("container", ["jsonl", "csv", "parquet"])
def test_a_column_of_nothing_but_splits_is_one_whatever_its_name(name: str, container: str, tmp_path: Path) -> None:
    rows = [vote(i, **{name: split}) for i, split in enumerate(("train", "test", "train"))]
    source = written(rows, container, tmp_path)
    votes = read_votes(source)
    assert (len(votes), votes.reading.skipped) == (2, 1)
    assert any(f"'{name}'" in note and f"--columns {name}=" in note for note in votes.reading.notes)
    assert len(read_votes(source, split="test")) == 1
    assert len(read_votes(source, columns={name: ""})) == 3


@pytest.mark.parametrize("name", ["is_test", "in_the_test_set", "held_out", "is_validation"])
def test_marks_of_test_rows_are_asked_about(name: str) -> None:
    rows = [vote(i, **{name: i == 1}) for i in range(3)]
    refused(rows, f"column '{name}'", "another split", f"--columns {name}=")
    assert len(read_votes(rows, columns={name: ""})) == 3
