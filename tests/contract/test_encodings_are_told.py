"""Point 7 of the contract, encodings: a file in another encoding than UTF-8 or marked UTF-16 is refused with a clear word.

Never is a text read as other characters than were written, except where bytes are those of another text in UTF-8, too.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from containers import csv_text, file, json_lines
from facts import check_votes
from flat_shapes import FLAT
from hypothesis import assume, given
from hypothesis import strategies as st
from kept_contract import Table, empty_folder, examples, tables
from nested_shapes import NESTED
from test_one_path import read_or_refused
from written import Row

from shell import refused, shell
from votewise.errors import BadInputError
from votewise.sources import read_votes

pytestmark = pytest.mark.slow
"""Each is fast; together they take some seconds."""

SHAPES = FLAT | NESTED

WINDOWS = st.text(st.sampled_from("éèüßñçåøÅÉ€“”—…™©°½"), min_size=1, max_size=4)
OTHERS = ("cp1252", "utf-16-le", "utf-16-be", "utf-32", "cp1251", "shift_jis", "mac_roman")


def in_windows(value: Any) -> Any:
    """A value whose texts have only characters that cp1252 has."""
    if isinstance(value, str):
        return value.encode("cp1252", "ignore").decode("cp1252")
    if isinstance(value, dict):
        return {key: in_windows(v) for key, v in value.items()}
    return [in_windows(v) for v in value] if isinstance(value, list) else value


def lines(rows: list[Row]) -> str:
    return json_lines(rows).decode()


KINDS: dict[str, tuple[str, Callable[[list[Row]], str]]] = {
    "csv": ("votes.csv", csv_text),
    "semicolons": ("votes.csv", lambda rows: csv_text(rows, ";")),
    "tabs": ("votes.tsv", lambda rows: csv_text(rows, "\t")),
    "jsonl": ("votes.jsonl", lines),
    "json": ("votes.json", lambda rows: "[" + ",".join(lines(rows).splitlines()) + "]"),
    "gz": ("votes.csv.gz", csv_text),
    "folder": ("in/votes.jsonl", lines),
}


def write(folder: Path, name: str, data: bytes) -> Path:
    (folder / "in").mkdir(exist_ok=True)
    path = file(folder, name, gzip.compress(data) if name.endswith(".gz") else data)
    return path.parent if name.startswith("in/") else path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["prompt", "annotator", "note", "a name"])
@examples(3)
@given(drawn=tables(FLAT["plain"]), sign=WINDOWS, spread=st.integers(0, 99))
def test_a_file_from_windows_is_refused_in_words(kind: str, place: str, drawn: Table, sign: str, spread: int) -> None:
    rows: list[Row] = [in_windows(row) for row in drawn[0]]
    for row in rows:
        row["note" if place != "a name" else f"note {sign}"] = None
    row = rows[spread % len(rows)]
    if place != "a name":
        row[place] = f"{row[place] or ''} {sign}"
    name, text = KINDS[kind]
    data = text(rows).encode("cp1252")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        assume(False)
    with empty_folder() as folder:
        path = write(folder, name, data)
        assert "cp1252" in refused(shell("read", path))
        # Broken rows may be left out; none is read as something else.
        try:
            votes = read_votes(path, on_error="skip")
        except BadInputError:
            return
        assert votes.reading is not None
        assert votes.reading.rejected >= 1
        assert votes.texts is not None
        assert "\ufffd" not in str(votes.texts.to_pylist()) or "\ufffd" in str(drawn[0])


@pytest.mark.parametrize("encoding", OTHERS)
@pytest.mark.parametrize("kind", KINDS)
@examples(2)
@given(drawn=tables(FLAT["trl"]))
def test_any_other_encoding_is_refused_or_read_rightly(kind: str, encoding: str, drawn: Table) -> None:
    rows, expected = drawn
    name, text = KINDS[kind]
    if read_or_refused(FLAT["trl"], rows) is None:
        return
    try:
        data = text(rows).encode(encoding)
    except UnicodeEncodeError:
        return
    with empty_folder() as folder:
        try:
            votes = read_votes(write(folder, name, data))
        except BadInputError:
            return
        # Nothing but ASCII was written, or bytes that mean something in UTF-8, too.
        if text(rows).isascii():
            check_votes(votes, expected)
        else:
            data.decode("utf-8")


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_from_windows_is_refused(name: str) -> None:
    shape = SHAPES[name]

    @examples(1)
    @given(drawn=tables(shape))
    def told(drawn: Table) -> None:
        rows = [in_windows(row) | {"remark": "café"} for row in drawn[0]]
        kinds = KINDS if shape.flat else {kind: KINDS[kind] for kind in ("jsonl", "json", "folder")}
        for file_name, text in kinds.values():
            with empty_folder() as folder, pytest.raises(BadInputError, match="cp1252"):
                read_votes(write(folder, file_name, text(rows).encode("cp1252")))

    told()
