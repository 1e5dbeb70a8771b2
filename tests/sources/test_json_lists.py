"""A JSON list is read piece by piece, and gives what reading it at once gives."""

from __future__ import annotations

import io
import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

from votewise import read_votes
from votewise.errors import BadInputError
from votewise.sources.containers import json_files, json_lists
from votewise.sources.containers.json_lists import list_items
from votewise.sources.containers.json_values import RepeatedEntryError, json_value

SCALARS: list[Any] = [
    None,
    True,
    False,
    0,
    -12,
    123456789012345678901234567890,
    1.5e-7,
    "",
    'a "q" \\ \n',
    "é🙂\u2028",
    math.inf,
]


def drawn(rng: random.Random, depth: int = 0) -> Any:
    kind = rng.random()
    if depth > 3 or kind < 0.5:
        return rng.choice(SCALARS)
    if kind < 0.7:
        return [drawn(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {f"k{i}": drawn(rng, depth + 1) for i in range(rng.randrange(4))}


def read(text: bytes, piece: int, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    monkeypatch.setattr(json_lists, "PIECE", piece)
    return [value for value, _ in list_items(io.BytesIO(text))]


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 64, 1 << 20])
@pytest.mark.parametrize("seed", range(12))
def test_any_list_in_pieces_of_any_size(seed: int, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    values = [drawn(rng) for _ in range(rng.randrange(8))]
    text = json.dumps(values, ensure_ascii=seed % 2 == 0, indent=(None, 2, "\t")[seed % 3]).encode()
    bom = b"\xef\xbb\xbf" if seed % 4 == 0 else b""
    assert read(bom + b" \r\n" + text + b"\n ", piece, monkeypatch) == values


@pytest.mark.parametrize("piece", [1, 5, 1 << 20])
@pytest.mark.parametrize("seed", range(60))
def test_what_is_no_list_is_refused_exactly_where_json_refuses_it(
    seed: int, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(1000 + seed)
    text = bytearray(json.dumps([drawn(rng) for _ in range(4)], ensure_ascii=False).encode())
    for _ in range(rng.randrange(1, 3)):
        at = rng.randrange(len(text))
        if rng.random() < 0.5:
            del text[at]
        else:
            text[at:at] = rng.choice([b",", b"]", b"[", b"}", b'"', b"\xff", b"1", b"x", b" "])
    try:
        expected = json_value(bytes(text).decode())
    except ValueError:
        expected = None
    if isinstance(expected, list):
        assert read(bytes(text), piece, monkeypatch) == expected
    else:
        with pytest.raises((json.JSONDecodeError, UnicodeDecodeError, RepeatedEntryError)):
            read(bytes(text), piece, monkeypatch)


def test_a_number_that_goes_on_in_the_next_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(b"[12,345]", 2, monkeypatch) == [12, 345]
    assert read(b"[12 ]", 3, monkeypatch) == [12]
    for piece in range(1, 12):
        assert read(b"[1.5e-7, -1.25E+3 ,3.0]", piece, monkeypatch) == [1.5e-7, -1250.0, 3.0]


@pytest.mark.parametrize(
    "content", [b"[1, 2", b'[{"a": 1} {"a": 2}]', b'[{"a": 1},]', b'[{"a": 1}] x', b'[{"a": 1, "a": 2}]']
)
def test_a_damaged_list_is_refused_in_the_words_of_before(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "votes.json"
    path.write_bytes(content)
    with pytest.raises(BadInputError) as found:
        json_files.load_json(path, "votes.json")
    with pytest.raises(BadInputError) as expected:
        json_files._use_value(path, "votes.json", list)
    assert str(found.value) == str(expected.value)


def test_of_a_long_list_a_part_is_in_memory_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lists, "PIECE", 100)
    monkeypatch.setattr(json_files, "PART_BYTES", 300)
    path = tmp_path / "votes.json"
    path.write_text(json.dumps([{"text": "x" * 50, "n": i} for i in range(100)]))
    sizes = json_files.use_json(path, "votes.json", lambda parts: [len(part.table) for part in parts])
    assert sum(sizes) == 100
    assert max(sizes) < 10


def test_one_broken_object_in_a_list_is_refused_with_the_way_on(tmp_path: Path) -> None:
    path = tmp_path / "votes.json"
    rows = ['{"prompt": "p", "chosen": "x", "rejected": "y"}'] * 3
    path.write_text("[" + ", ".join([rows[0], '{"prompt": "p", "chosen": }', rows[1]]) + "]")
    for on_error in ("stop", "skip"):
        with pytest.raises(BadInputError, match=r"is not JSON.*JSON lines.*--on-error skip leaves out broken ones"):
            read_votes(path, on_error=on_error)
    lines = tmp_path / "votes.jsonl"
    lines.write_text("\n".join([rows[0], '{"prompt": "p", "chosen": }', rows[1]]))
    assert read_votes(lines, on_error="skip").reading.rejected == 1


def drawn_object(rng: random.Random) -> dict[str, Any]:
    """An object around a list of objects: what belongs to each row stands before the list, after it, or both."""
    around: dict[str, Any] = {name: {"is": drawn(rng)} for name in ("version", "made", "notes") if rng.random() < 0.5}
    around |= {"system": "Be kind"} if rng.random() < 0.5 else {}
    around |= {"annotator": "ada", "tags": ["x", "y"], "prompt": ["what", "is"]} if rng.random() < 0.5 else {}
    rows: list[Any] = [
        {"chosen": f"c{i}", "rejected": drawn(rng), "prompt": f"p{i}"} for i in range(rng.randrange(1, 9))
    ]
    if rng.random() < 0.3:
        rows.append(rng.choice([3, None, [1], "text"]))
    entries = [*around.items(), ("rows", rows)]
    rng.shuffle(entries)
    return dict(entries)


def parts_and_rows(parts: Any) -> tuple[list[Any], list[Any], tuple[str, ...]]:
    """The rows with their numbers, what is broken, and the notes."""
    rows, broken, notes = [], [], ()
    for part in parts:
        rows += list(zip(part.numbers.tolist(), part.table.to_pylist(), strict=True))
        broken += part.broken
        notes = part.notes or notes
    return [(n, {k: v for k, v in row.items() if v is not None}) for n, row in rows], broken, notes


@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
@pytest.mark.parametrize("seed", range(40))
def test_an_object_around_a_list_gives_what_reading_it_at_once_gives(
    seed: int, piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(2000 + seed)
    path = tmp_path / "votes.json"
    text = json.dumps(drawn_object(rng), ensure_ascii=seed % 2 == 0, indent=(None, 2)[seed % 3 == 0])
    path.write_bytes(b"\xef\xbb\xbf" * (seed % 4 == 0) + b"\n" * (seed % 5) + text.encode() + b"\n")
    expected = json_files._use_value(path, "votes.json", parts_and_rows)
    monkeypatch.setattr(json_lists, "PIECE", piece)
    monkeypatch.setattr(json_files, "_use_value", lambda *_: pytest.fail("is read at once"))
    assert json_files.use_json(path, "votes.json", parts_and_rows) == expected


def test_of_an_object_around_a_long_list_a_part_is_in_memory_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_lists, "PIECE", 100)
    monkeypatch.setattr(json_files, "PART_BYTES", 300)
    path = tmp_path / "votes.json"
    rows = [{"chosen": "x" * 50, "rejected": str(i)} for i in range(100)]
    path.write_text(json.dumps({"version": 1, "data": rows, "system": "Be kind"}))
    sizes = json_files.use_json(path, "votes.json", lambda parts: [len(part.table) for part in parts])
    assert sum(sizes) == 100
    assert max(sizes) < 10


@pytest.mark.parametrize(
    "content",
    [
        b'{"data": [{"a": 1}, {"a": 2}',
        b'{"data": [{"a": 1} {"a": 2}]}',
        b'{"data": [{"a": 1}], "data": [{"a": 2}]}',
        b'{"data": [{"a": 1}]} x',
        b'{"data": [{"a": 1, "a": 2}]}',
        b'{"data": [{"a": 1}], "more": [{"b": 2}]}',
        b'{"data": [{"a": "\xff"}]}',
        b'{"data": [{"a": 1}],}',
        b'{data: [{"a": 1}]}',
        b'{"data": 3}{',
        b'{"data": [{"a": 1}]}',
    ],
)
def test_a_damaged_object_is_refused_in_the_words_of_before(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "votes.json"
    path.write_bytes(content)
    outcomes: list[Any] = []
    for read_it in (json_files._use_value, json_files.use_json):
        try:
            outcomes.append(read_it(path, "votes.json", parts_and_rows))
        except BadInputError as error:
            outcomes.append(str(error))
    assert outcomes[0] == outcomes[1]
