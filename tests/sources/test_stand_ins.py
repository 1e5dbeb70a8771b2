"""Large files are read with stand-ins for their texts: everything is as if they had been read whole."""

from __future__ import annotations

import csv
import dataclasses
import errno
import gc
import gzip
import json
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from shapes import SHAPES

from votewise.data.lazy_table import LazyTable
from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.sources import read_votes
from votewise.sources.containers import any_order, hashing, opening, stand_ins, table_file
from votewise.sources.containers.stand_in_type import TextsNeededError, digests
from votewise.sources.containers.table_files import TableFiles
from votewise.sources.values import decoded, table_of

pytestmark = pytest.mark.slow
"""Each is fast; together they take some seconds."""

Rows = list[dict[str, Any]]

NEVER = 1 << 60
STRETCHED = {
    "prompt", "response_a", "response_b", "chosen", "rejected", "instruction", "output_1", "output_2", "question", "post",
    "left", "right", "human_ref_A", "human_ref_B", "history", "response_0", "response_1", "response1", "response2", "reason",
    "context", "comment", "system", "input", "user_prompt", "model_response", "text", "completion_a", "completion_b",
    "content", "all_generated_responses", "completions", "answers",
}  # fmt: skip
LEFT_IN_FILES = (
    "plain", "clicks, sides have won", "trl, explicit texts", "trl, with annotators", "alpacaeval",
    "trl, implicit texts", "trl, explicit conversations", "trl, implicit conversations", "ultrafeedback",
    "ultrafeedback-binarized", "hh-rlhf", "multipref", "helpsteer3, individual", "arena", "mt-bench", "openwebui",
    "argilla, labels", "argilla, rankings", "labelstudio", "openai", "several-votes, a column each",
    "several-votes, a list", "several-votes, counts", "ranked", "prism", "prodigy",
)  # fmt: skip
"""Shapes whose texts must stay in their files."""


def both_ways(
    monkeypatch: pytest.MonkeyPatch, path: Path, *, left: bool | None = True, **told: Any
) -> tuple[Votes, Votes] | None:
    """The votes read with stand-ins and read whole, which are compared; None where both end in the same error."""
    found: list[Any] = []
    for large in (0, NEVER):
        monkeypatch.setattr(stand_ins, "LARGE", large)
        try:
            found.append(read_votes(path, **told))
        except BadInputError as error:
            found.append(str(error))
    if isinstance(found[1], str):
        assert found[0] == found[1]
        return None
    left_in_file, whole = found
    assert isinstance(left_in_file, Votes), left_in_file
    assert not isinstance(whole.table, LazyTable)
    if left is not None:
        assert isinstance(left_in_file.table, LazyTable) is left
    compare(left_in_file, whole)
    return left_in_file, whole


def compare(one: Votes, other: Votes) -> None:
    for field in dataclasses.fields(Votes):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, np.ndarray):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype
        elif isinstance(b, pa.Table):
            whole = a.to_table() if isinstance(a, LazyTable) else a
            assert a.schema.equals(b.schema), field.name
            assert whole.equals(b), field.name
        elif isinstance(b, pa.Array | pa.ChunkedArray):
            assert a.equals(b), field.name
        elif field.name == "reading":
            assert dataclasses.replace(a, rejects=None) == dataclasses.replace(b, rejects=None)
        else:
            assert a == b, field.name


def stretched(value: Any, name: str = "") -> Any:
    """The value with long texts where a column holds texts."""
    if isinstance(value, dict):
        return {key: stretched(v, key) for key, v in value.items()}
    if isinstance(value, list):
        return [stretched(v, name) for v in value]
    if isinstance(value, str) and name in STRETCHED:
        return f"{value} " + "and so on " * 8
    return value


def written(tmp_path: Path, rows: Rows, kind: str = "parquet", parts: int = 1) -> Path:
    table = table_of(rows)
    if kind == "folder":
        size = -(-len(table) // parts)
        (tmp_path / "votes").mkdir()
        for i in range(parts):
            pq.write_table(table.slice(i * size, size), tmp_path / "votes" / f"part-{i}.parquet", row_group_size=7)
        return tmp_path / "votes"
    path = tmp_path / f"votes.{kind}"
    if kind.startswith("jsonl"):
        lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
        path.write_bytes(gzip.compress(lines) if kind.endswith("gz") else lines)
    elif kind == "json":
        half = {"version": 3, "rows": rows, "source": {"about": ["this", "and that"]}}
        path.write_text(json.dumps(half), encoding="utf-8")
    elif kind in ("csv", "tsv"):
        names = list(dict.fromkeys(name for row in rows for name in row))
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names, delimiter="," if kind == "csv" else "\t", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    elif kind == "parquet":
        pq.write_table(table, path, row_group_size=9)
    else:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=11)
    return path


@pytest.mark.parametrize("kind", ["parquet", "arrow", "folder", "jsonl", "json"])
@pytest.mark.parametrize("name", list(SHAPES))
def test_every_shape(name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = SHAPES[name]
    rows = [stretched(row) for row in shape.rows]
    path = written(tmp_path, rows, kind)
    both_ways(monkeypatch, path, left=True if name in LEFT_IN_FILES else None, columns=shape.columns or None)


def many(seed: int, n: int = 120) -> Rows:
    """Plain votes with repeats, swaps, ties, missing values, and texts that nobody reads."""
    rng = np.random.default_rng(seed)
    rows: Rows = []
    for i in range(n):
        pair = int(rng.integers(0, n // 4))
        texts = [f"answer {pair} {side} " + "é\u2028 word " * 9 for side in "xy"]
        if rng.random() < 0.3:
            texts.reverse()
        label = str(rng.choice(["a", "b", "tie", "both_bad", "skip"], p=[0.4, 0.4, 0.1, 0.05, 0.05]))
        rows.append(
            {
                "id": i,
                "prompt": None if pair % 11 == 0 else f"question {pair} " + "of many words " * 6,
                "response_a": texts[0],
                "response_b": texts[1],
                "annotator": f"u{rng.integers(0, 6)}",
                "label": label,
                "reason": None if i % 3 else f"because {i} " + "of that " * 36,
                "time": 1_700_000_000 + int(rng.integers(0, 10_000)),
                "domain": str(rng.choice(["code", "prose"])),
            }
        )
    for row in rows:
        if row["prompt"] is None:
            row["prompt"] = f"question {row['response_a'][:9]}" + " short" * 9
    return rows


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["parquet", "arrow", "folder", "jsonl", "jsonl.gz", "csv", "tsv"])
def test_many_votes(kind: str, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, many(seed), kind, parts=3)
    found = both_ways(monkeypatch, path)
    assert found is not None
    votes, whole = found
    assert votes.reading is not None
    assert votes.reading.repeated > 0
    some = np.array([5, 0, 3, 3])
    assert votes.texts.take(pa.array(some)).equals(whole.texts.take(pa.array(some)).combine_chunks())
    assert votes.table.slice(4, 3).equals(whole.table.slice(4, 3))
    assert votes.table["reason"].to_pylist() == whole.table["reason"].to_pylist()


@pytest.mark.parametrize("kind", ["parquet", "arrow", "folder", "csv"])
def test_votes_beyond_the_first_rows(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stand_ins, "HEAD", 30)
    path = written(tmp_path, many(9), kind, parts=2)
    both_ways(monkeypatch, path)
    monkeypatch.setattr(stand_ins, "LARGE", 0)
    source = opening.load(path, leave_texts=True)
    monkeypatch.setattr(stand_ins, "LARGE", NEVER)
    whole = opening.load(path)
    assert len(source.head) == 30
    assert source.head.equals(whole.table.slice(0, 30))


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_rows_that_cannot_be_parsed_are_numbered_as_before(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, [{**row, "nothing": None} for row in many(2)], kind)
    lines = path.read_bytes().split(b"\n")
    lines[7], lines[30] = b"{half", b"\xff\xfe" if kind == "jsonl" else b"half"
    path.write_bytes(b"\n".join(lines))
    assert both_ways(monkeypatch, path) is None
    found = both_ways(monkeypatch, path, on_error="skip")
    assert found is not None
    folder = found[0].table.stored.store.kept.path
    assert folder.is_dir()
    del found
    gc.collect()
    assert not folder.exists()


def test_models_names_in_pairs_and_other_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {"Frage": row["prompt"], "one": row["response_a"], "two": row["response_b"], "who": row["annotator"],
         "label": "a" if row["id"] % 3 else "b", "model_a": f"m{i % 3}", "model_b": "n",
         "pair": f"p{row['response_a']}"[:12]}
        for i, row in enumerate(many(7))
    ]  # fmt: skip
    columns = {"prompt": "Frage", "response_a": "one", "response_b": "two", "annotator": "who"}
    both_ways(monkeypatch, written(tmp_path, rows), columns=columns, on_error="skip")


@pytest.mark.parametrize(
    "change",
    [
        {"label": "perhaps"},
        {"response_a": None},
        {"time": "yesterday"},
    ],
)
def test_errors_and_rejects_show_the_true_values(
    change: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = many(3)
    if "time" in change:
        rows = [row | {"time": str(row["time"])} for row in rows]
    rows[40] |= change
    path = written(tmp_path, rows)
    assert both_ways(monkeypatch, path) is None
    lines = []
    for large in (0, NEVER):
        monkeypatch.setattr(stand_ins, "LARGE", large)
        rejects = tmp_path / f"{large}.jsonl"
        read_votes(path, on_error="skip", rejects=rejects)
        lines.append(rejects.read_text())
    assert lines[0] == lines[1]
    assert "because" in lines[0] or "answer" in lines[0]


def test_rows_that_differ_in_a_text_that_nobody_read_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row | {"hint": f"a hint of many words {row['id']} " * 3} for row in many(5)]
    path = written(tmp_path, rows)
    assert both_ways(monkeypatch, path) is None
    both_ways(monkeypatch, path, columns={"hint": ""})


def utterances(seed: int, prompt: str = "what is {}? ") -> Rows:
    """PRISM's utterances of 60 interactions with two to four responses each, the winner anywhere among them."""
    rng = np.random.default_rng(seed)
    rows: Rows = []
    for i in range(60):
        n = int(rng.integers(2, 5))
        best, turn = int(rng.integers(0, n)), int(rng.random() < 0.2)
        rows += [
            {"utterance_id": f"ut{i}-{j}", "interaction_id": f"i{i}", "user_id": f"u{i % 7}", "turn": turn,
             "user_prompt": prompt.format(i) + "of many words " * 9,
             "model_response": f"answer {i} {j} " + "é\u2028 word " * 9,
             "model_name": f"m{j}", "score": int(rng.integers(1, 100)), "if_chosen": j == best}
            for j in range(n)
        ]  # fmt: skip
    return rows


@pytest.mark.parametrize("kind", ["parquet", "arrow", "folder", "jsonl"])
@pytest.mark.parametrize("order", ["as they were said", "a little mixed", "mixed"])
def test_utterances_of_prism_in_any_order(
    order: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = utterances(3)
    near = {"as they were said": 0, "a little mixed": 9, "mixed": len(rows)}[order]
    places = np.argsort(np.arange(len(rows)) + np.random.default_rng(4).uniform(0, near + 1e-9, len(rows)))
    monkeypatch.setattr(any_order, "BATCH_BYTES", 1)
    monkeypatch.setattr(any_order, "FEWEST", 7)
    monkeypatch.setattr(any_order, "MOST_KEPT", 4_000)
    path = written(tmp_path, [rows[i] for i in places], kind, parts=3)
    found = both_ways(monkeypatch, path)
    assert found is not None
    rows[5]["model_response"] = None
    path = written(tmp_path, rows, kind.replace("folder", "parquet"))
    assert both_ways(monkeypatch, path) is None
    assert both_ways(monkeypatch, path, on_error="skip") is not None


def test_utterances_of_prism_some_of_which_spell_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = utterances(5)
    rows[7]["user_prompt"] = '[{"role": "user", "content": "hi"}]'
    assert both_ways(monkeypatch, written(tmp_path, rows)) is not None
    rows[8]["model_response"] = '{"a": [1, 2]}'
    assert both_ways(monkeypatch, written(tmp_path, rows)) is not None


def test_utterances_of_prism_as_pandas_writes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pd.DataFrame(utterances(7)).astype(object).to_parquet(tmp_path / "votes.parquet")
    assert both_ways(monkeypatch, tmp_path / "votes.parquet") is not None


def test_utterances_of_prism_with_short_prompts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row | {"user_prompt": "Hi"} for row in utterances(6)]
    assert both_ways(monkeypatch, written(tmp_path, rows)) is not None


LONG = "some words and more words, more than a stand-in has " * 2


@pytest.mark.parametrize(
    "rows",
    [
        # TRL without a prompt: the texts are cut where they stop to be equal.
        [{"chosen": f"{LONG} yes {i}", "rejected": f"{LONG} no {i}"} for i in range(6)],
        # hh-rlhf.
        [{"chosen": f"\n\nHuman: {LONG}\n\nAssistant: {x} {LONG}", "rejected": f"\n\nHuman: {LONG}\n\nAssistant: {y} {LONG}"}
         for x, y in (("yes", "no"), ("a", "b"))],
        # Conversations in texts.
        [{"prompt": LONG, "chosen": f'[{{"role": "assistant", "content": "{x} {LONG}"}}]',
          "rejected": f'  [{{"role": "assistant", "content": "{y} {LONG}"}}]'} for x, y in (("yes", "no"), ("a", "b"))],
        # One conversation among texts.
        [{"prompt": LONG, "chosen": f"yes {LONG}", "rejected": f"no {LONG}"},
         {"prompt": LONG, "chosen": f'\u2003[{{"role": "assistant", "content": "{LONG}"}}]', "rejected": f"no {LONG}"}],
        # Texts that only begin like lists.
        [{"prompt": f"[{i}] {LONG}", "chosen": f"[yes] {LONG}", "rejected": f"array(no) {LONG}"} for i in range(5)],
        # The label is the text of the better answer.
        [{"prompt": f"{LONG} {i}", "left": f"l {LONG}", "right": f"r {LONG}", "label": f"{'lr'[i % 2]} {LONG}"}
         for i in range(5)],
        [{"prompt": f"{LONG} {i}", "left": f"l {LONG}", "right": "" if i == 3 else f"r {i} {LONG}", "label": "left"}
         for i in range(5)],
        # Several turns in lists of texts.
        [{"prompt": f'["{LONG}", "and?"]', "response_a": f'["{LONG} a", "x"]', "response_b": f'["{LONG} b", "y"]',
          "winner_model_a": 1, "winner_model_b": 0, "winner_tie": 0, "model_a": "m", "model_b": "n"} for _ in range(3)],
        # The prompt is in several columns.
        [{"system": LONG, "prompt": f"{LONG} {i}", "chosen": f"yes {LONG}", "rejected": f"no {LONG}"} for i in range(4)],
        # People's names, and other names, that are long.
        [{"user": f"{LONG} {i % 2}", "prompt": LONG, "chosen": f"yes {LONG}", "rejected": f"no {LONG}"} for i in range(4)],
        [{"pair": f"{LONG} {i % 2}", "annotator": f"{i}", "label": "a", "reason": LONG} for i in range(4)],
        # Several votes in one row.
        [{"prompt": f"{LONG} {i}", "response_a": f"a {LONG}", "response_b": f"b {LONG}", "annotator_1": "a",
          "annotator_2": "b"} for i in range(4)],
        # A right answer as a text, and equal answers.
        [{"prompt": f"{LONG} {i}", "chosen": f"yes {LONG}", "rejected": f"no {LONG}", "gold": f"{LONG} {i}"}
         for i in range(4)],
        [{"prompt": f"{LONG} {i}", "chosen": LONG, "rejected": LONG if i else f"no {LONG}"} for i in range(4)],
        # A column without values, and one with blanks.
        [{"prompt": f" {LONG} {i}", "chosen": f"yes {LONG}", "rejected": " \n" if i else f"no {LONG}", "more": None}
         for i in range(4)],
    ],
)  # fmt: skip
def test_texts_that_are_looked_into(rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both_ways(monkeypatch, written(tmp_path, rows), left=None)


def test_stand_ins_are_equal_where_texts_are_and_differ_from_run_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand_ins, "LARGE", 0)
    path = written(tmp_path, many(1))
    files = stand_ins.TableFiles.of([path], "parquet")
    one, other = stand_ins.with_stand_ins(files), stand_ins.with_stand_ins(files)
    assert one is not None
    assert other is not None
    texts = pq.read_table(path)
    for name in ("prompt", "response_a", "reason"):
        values = texts.column(name).to_pylist()
        given = digests(one.table.column(name)).to_pylist()
        assert len(dict(zip(values, given, strict=True))) == len(set(given))
        assert given == one.of(texts.column(name)).to_pylist()
        assert not set(given) & set(digests(other.table.column(name)).to_pylist()) - {None}


def test_nobody_takes_a_stand_in_for_a_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stand_ins, "LARGE", 0)
    found = stand_ins.with_stand_ins(stand_ins.TableFiles.of([written(tmp_path, many(1))], "parquet"))
    assert found is not None
    column = found.table.column("prompt")
    for use in (column.to_pylist, lambda: column[0].as_py(), lambda: decoded(found.table, "prompt")):
        with pytest.raises(TextsNeededError):
            use()
    for use in (
        lambda: pc.equal(column, "x"),
        lambda: pc.utf8_lower(column),
        lambda: column.cast(pa.large_string()),
        lambda: column.combine_chunks().dictionary_encode(),
        lambda: pc.is_in(column, value_set=pa.array(["x"])),
    ):
        with pytest.raises((pa.ArrowException, TypeError, NotImplementedError)):
            use()


def test_a_file_that_has_changed_is_not_mixed_with_what_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand_ins, "LARGE", 0)
    path = written(tmp_path, many(1))
    votes = read_votes(path)
    pq.write_table(table_of(many(2)), path)
    with pytest.raises(BadInputError, match="has changed since it was read"):
        votes.texts.to_table()


def test_a_damaged_file_ends_in_the_same_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, many(1))
    content = bytearray(path.read_bytes())
    content[200:260] = b"\xff" * 60
    path.write_bytes(content)
    assert both_ways(monkeypatch, path) is None


def test_an_arrow_file_with_a_second_stream_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, path = table_of(many(1)), tmp_path / "votes.arrow"
    with pa.OSFile(str(path), "wb") as sink:
        for _ in range(2):
            with pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table)
    assert both_ways(monkeypatch, path) is None


TALKS = [
    {"prompt": [{"role": "user", "content": f"{LONG} {i}"}], "chosen": [{"role": "assistant", "content": f"yes {LONG}"}],
     "rejected": [{"role": "assistant", "content": f"no {LONG}"}]} for i in range(5)
]  # fmt: skip


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_a_full_disk_is_one_line_and_leaves_nothing(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, TALKS, kind)
    monkeypatch.setattr(stand_ins, "LARGE", 0)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(BadInputError, match=r"no room for texts .* TMPDIR=FOLDER"):
        read_votes(path)
    gc.collect()
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_staged_texts_are_removed_when_nobody_uses_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, TALKS)
    monkeypatch.setattr(stand_ins, "LARGE", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    votes = read_votes(path)
    assert any(entry.name.startswith(".votewise-") for entry in tmp_path.iterdir())
    assert votes.texts["response_a"].to_pylist()[0][0]["content"] == f"yes {LONG}"
    del votes
    gc.collect()
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_conversations_and_texts_in_different_parts_become_conversations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_file, "BATCH_BYTES", 1)
    history = [[{"role": "user", "content": f"{LONG} before"}], None]
    rows: Rows = [
        {"history": history[i < 1500], "prompt": f"{LONG} {i}", "chosen": f"yes {LONG}", "rejected": f"no {LONG}"}
        for i in range(2500)
    ]
    path = tmp_path / "votes.parquet"
    pq.write_table(table_of(rows), path, row_group_size=500)
    found = both_ways(monkeypatch, path)
    assert found is not None
    assert pa.types.is_large_list(found[0].texts.schema.field("prompt").type)


def test_batches_that_nobody_reads_to_the_end_wait_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The garbage collector closes them, and may do so while a thread starts and holds the lock that joining needs.
    path = written(tmp_path, many(1))
    found = TableFiles.of([path], "parquet").batches(["prompt"])
    next(found)
    monkeypatch.setattr(threading.Thread, "join", lambda *_: pytest.fail("waits for a thread"))
    found.close()


def test_columns_are_read_one_by_one_where_memory_is_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import duckdb

    path = tmp_path / "votes.parquet"
    pq.write_table(pa.table({name: [f"{name} {i}" for i in range(50)] for name in ("x", "y", "z")}), path)
    files = TableFiles.of([path], "parquet")
    expected = hashing.hashed_texts(files, ["x", "y", "z"], "secret", 10)
    query, at_once = hashing._query, []

    def short_of_memory(*args: Any) -> pa.Table:
        # It is enough as soon as no other thread is at work.
        if threading.current_thread() is not threading.main_thread():
            at_once.append(args)
            raise duckdb.OutOfMemoryException("pages too large")
        return query(*args)

    monkeypatch.setattr(hashing, "_query", short_of_memory)
    found = hashing.hashed_texts(files, ["x", "y", "z"], "secret", 10)
    assert at_once
    assert found is not None
    assert expected is not None
    assert found[1].equals(expected[1])
    assert all(digests(found[0][name]).equals(digests(expected[0][name])) for name in ("x", "y", "z"))
