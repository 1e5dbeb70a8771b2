"""Damaged inputs made from good ones, the same for the same seed: what a door must read or refuse in one line."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

SECRET = "hunter2secret"
PER_KIND = 90


@dataclass(frozen=True)
class Damaged:
    """``name`` for messages and the ``source`` to give to a command."""

    name: str
    source: str


def good_rows(dice: random.Random) -> list[dict[str, Any]]:
    return [
        {
            "annotator": f"w{i % 5}",
            "prompt": f"question {i // 5}",
            "response_a": "yes " * dice.randint(1, 9) + str(i),
            "response_b": "no, said Zoë",
            "label": dice.choice(["a", "b", "tie"]),
        }
        for i in range(25)
    ]


def as_lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    lines = [",".join(rows[0])]
    lines += [",".join('"' + str(v).replace('"', '""') + '"' for v in row.values()) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


def as_arrow(rows: list[dict[str, Any]], *, stream: bool = False) -> bytes:
    table, sink = pa.Table.from_pylist(rows), io.BytesIO()
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


GOOD: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    ".jsonl": as_lines,
    ".json": lambda rows: json.dumps(rows).encode(),
    ".csv": as_csv,
    ".parquet": as_parquet,
    ".arrow": as_arrow,
    ".feather": lambda rows: as_arrow(rows, stream=True),
    ".jsonl.gz": lambda rows: gzip.compress(as_lines(rows), mtime=0),
    ".csv.zst": lambda rows: bytes(pa.compress(as_csv(rows), "zstd", asbytes=True)),
}


def flipped(data: bytes, dice: random.Random, start: int = 0) -> bytes:
    out = bytearray(data)
    for _ in range(dice.randint(1, 8)):
        out[dice.randrange(start, len(out))] ^= 1 << dice.randrange(8)
    return bytes(out)


def file(folder: Path, suffix: str, data: bytes) -> str:
    path = folder / f"votes{suffix}"
    path.write_bytes(data)
    return str(path)


def truncated(folder: Path, dice: random.Random) -> str:
    suffix = dice.choice(list(GOOD))
    data = GOOD[suffix](good_rows(dice))
    return file(folder, suffix, data[: dice.randrange(len(data))])


def bits(folder: Path, dice: random.Random) -> str:
    suffix = dice.choice(list(GOOD))
    return file(folder, suffix, flipped(GOOD[suffix](good_rows(dice)), dice))


def wrong_magic(folder: Path, dice: random.Random) -> str:
    suffix = dice.choice(list(GOOD))
    data = GOOD[suffix](good_rows(dice))
    return file(folder, suffix, dice.randbytes(8) + data[8:])


def gz(folder: Path, dice: random.Random) -> str:
    data = GOOD[".jsonl.gz"](good_rows(dice))
    return file(
        folder, ".jsonl.gz", dice.choice([flipped(data, dice), data[:-5], data + b"rubbish", data * 2, data[10:]])
    )


def arrow_body(folder: Path, dice: random.Random) -> str:
    data = as_arrow(good_rows(dice), stream=dice.random() < 0.5)
    return file(folder, ".arrow", flipped(data, dice, len(data) // 3))


def deep(folder: Path, dice: random.Random) -> str:
    depth = dice.choice([50, 900, 5_000, 100_000])
    inner = dice.choice(["[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth])
    row = json.dumps(good_rows(dice)[0])
    text = f"{row[:-1]}, {json.dumps(dice.choice(['prompt', 'meta']))}: {inner}}}"
    return file(folder, *dice.choice([(".jsonl", text.encode()), (".json", f"[{text}]".encode())]))


def huge_cell(folder: Path, dice: random.Random) -> str:
    rows = good_rows(dice)
    rows[3]["prompt"] = "x" * dice.choice([10_000, 300_000])
    return file(folder, *dice.choice([(".jsonl", as_lines(rows)), (".csv", as_csv(rows))]))


def value_of(value: Callable[[random.Random], str]) -> Callable[[Path, random.Random], str]:
    def make(folder: Path, dice: random.Random) -> str:
        lines = as_lines(good_rows(dice)).decode().splitlines()
        row = json.loads(lines[2])
        key = dice.choice([*row, "weight", "time", "margin", "meta"])
        row[key] = "@@"
        lines[2] = json.dumps(row).replace('"@@"', value(dice))
        text = "\n".join(lines) if dice.random() < 0.5 else "[" + ",".join(lines) + "]"
        return file(folder, ".json" if text[0] == "[" else ".jsonl", text.encode())

    return make


surrogates = value_of(lambda dice: dice.choice(['"\\ud800"', '"a\\udfff"', '{"\\ud800": 1}', '["\\udc00"]']))
long_numbers = value_of(lambda dice: dice.choice(["", "-"]) + "7" * 5_000 + dice.choice(["", ".5", "e9"]))
odd_numbers = value_of(
    lambda dice: dice.choice(["NaN", "Infinity", "-Infinity", "1e999", "-0", "1e-999", "true", "null"])
)
null_bytes = value_of(lambda dice: dice.choice(['"\\u0000"', '"a\\u0000b"', '"\\u001b[2J"', '"\x00"']))


def encoding(folder: Path, dice: random.Random) -> str:
    rows = good_rows(dice)
    how = dice.choice(["cp1252", "utf-16", "utf-32", "utf-8-sig", "utf-16-le"])
    text = dice.choice([as_csv, as_lines])(rows).decode()
    return file(folder, ".jsonl" if text[0] == "{" else ".csv", text.encode(how))


def header(folder: Path, dice: random.Random) -> str:
    text = as_csv(good_rows(dice)).decode().replace("prompt", "frägé", 1)
    return file(folder, ".csv", text.encode(dice.choice(["cp1252", "utf-16", "latin-1"])))


def ragged(folder: Path, dice: random.Random) -> str:
    lines = as_csv(good_rows(dice)).split(b"\n")
    for _ in range(dice.randint(1, 4)):
        i = dice.randrange(len(lines))
        lines[i] = dice.choice(
            [lines[i] + b",more", lines[i].rpartition(b",")[0], b'"' + lines[i], b",,,,", lines[i] + b"\0"]
        )
    return file(folder, ".csv", b"\n".join(lines))


def concatenated(folder: Path, dice: random.Random) -> str:
    suffix = dice.choice(list(GOOD))
    make = GOOD[suffix]
    return file(folder, suffix, make(good_rows(dice)) + make(good_rows(dice)))


def linked(folder: Path, dice: random.Random) -> str:
    one, two = folder / "one.jsonl", folder / "two.jsonl"
    one.symlink_to(two)
    two.symlink_to(dice.choice([one, two, folder / "gone"]))
    (folder / "data").symlink_to(folder)
    return str(dice.choice([one, two, folder, folder / "data"]))


def names(folder: Path, dice: random.Random) -> str:
    return dice.choice(
        ["x" * 300, str(folder / ("y" * 5_000)), str(folder / "a\0b.csv"), str(folder / "a\nb\x1b[2J.csv"), "", " "]
    )


def hidden(folder: Path, dice: random.Random) -> str:
    place = folder / dice.choice([".ipynb_checkpoints", "_temporary", "train"])
    place.mkdir()
    (place / "part.parquet").write_bytes(flipped(as_parquet(good_rows(dice)), dice))
    if dice.random() < 0.5:
        (folder / "part-00000.parquet").write_bytes(as_parquet(good_rows(dice)))
    return str(folder)


JSON_JUNK = [
    "",
    "{",
    "[]",
    "null",
    "7",
    "{}",
    '{"_data_files": 3}',
    '{"splits": 3}',
    '{"_data_files": [{"filename": 7}]}',
]


def state(folder: Path, dice: random.Random) -> str:
    junk = [*JSON_JUNK, '{"_data_files": [{"filename": "../../x"}]}', '{"_data_files": []}', "[" * 9_999, "\x80"]
    (folder / "state.json").write_bytes(dice.choice(junk).encode("latin-1"))
    (folder / "data.arrow").write_bytes(as_arrow(good_rows(dice), stream=True))
    return str(folder)


def splits(folder: Path, dice: random.Random) -> str:
    junk = [*JSON_JUNK, *(json.dumps({"splits": [s]}) for s in (".", "..", "", "/", "train", "a/b", 7, None, "\0"))]
    (folder / "dataset_dict.json").write_text(dice.choice(junk), "utf-8")
    if dice.random() < 0.5:
        (folder / "train").symlink_to(folder)
    return str(folder)


def urls(folder: Path, dice: random.Random) -> str:
    scheme = dice.choice(["duckdb", "postgres", "mysql", "http", "s3", "nothing", "sqlite", "POSTGRES"])
    rest = dice.choice(
        ["u:{s}@127.0.0.1:1/b?table=v", "u:{s}@/x", "127.0.0.1:1/b?password={s}&table=v", "u:a@{s}@h:x/?table="]
    )
    return f"{scheme}://{rest.format(s=SECRET)}"


def blank(folder: Path, dice: random.Random) -> str:
    data = dice.choice([b"", b"\n", b" \n\t\n", codecs.BOM_UTF8, codecs.BOM_UTF16_LE, b"\0" * 50, b"[]", b"{}", b","])
    return file(folder, dice.choice(list(GOOD)), data)


def wrong_suffix(folder: Path, dice: random.Random) -> str:
    suffix = dice.choice([*GOOD, "", ".txt", ".xlsx", ".gz", ".zst"])
    return file(folder, suffix, GOOD[dice.choice(list(GOOD))](good_rows(dice)))


def duplicates(folder: Path, dice: random.Random) -> str:
    name = dice.choice([b"label", b"annotator", b"", b"LABEL", b"extra"])
    lines = as_csv(good_rows(dice)).splitlines()
    return file(folder, ".csv", b"\n".join(line + b"," + (name if i == 0 else b"a") for i, line in enumerate(lines)))


KINDS: dict[str, Callable[[Path, random.Random], str]] = {
    "truncated": truncated, "bits": bits, "wrong magic": wrong_magic, "gz": gz, "arrow body": arrow_body,
    "deep": deep, "huge cell": huge_cell, "surrogates": surrogates, "long numbers": long_numbers,
    "odd numbers": odd_numbers, "null bytes": null_bytes, "encoding": encoding, "header": header, "ragged": ragged,
    "concatenated": concatenated, "links": linked, "names": names, "hidden": hidden, "state.json": state,
    "dataset_dict.json": splits, "urls": urls, "blank": blank, "wrong suffix": wrong_suffix, "duplicates": duplicates,
}  # fmt: skip


def damaged(folder: Path, per_kind: int = PER_KIND) -> Iterator[Damaged]:
    """Write damaged inputs into a folder, one after the other; each has a folder of its own."""
    # Kinds alternate, so that workers in a pool are busy for equally long.
    for number in range(per_kind):
        for kind, make in KINDS.items():
            place = folder / kind.replace(" ", "-") / str(number)
            place.mkdir(parents=True)
            yield Damaged(f"{kind} {number}", make(place, random.Random(f"{kind} {number}")))
