"""The first rows of a run as the model sees them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from datasets import Dataset  # noqa: E402
from tiny import as_chat, make_config, make_rows, make_tokenizer, make_trainer  # noqa: E402

from votewise.train.shown_rows import LONGEST, Piece, ShownRow, first_rows, has_colours, render_rows  # noqa: E402
from votewise.train.training_rows import training_rows, votes_of_dataset  # noqa: E402


def shown(
    rows: Dataset, folder: Path, *, chat: bool = False, left_out: Any = (), **settings: Any
) -> tuple[ShownRow, ...]:
    votes = votes_of_dataset(rows, annotator_column="annotator")
    prepared = training_rows(votes, one_row_per="pair", source=rows)
    return first_rows(prepared, make_tokenizer(chat), make_config(folder, **settings), left_out=left_out)


def one_row(prompt: str = "w1 w2 ", chosen: str = "w3 w4 w5", rejected: str = "w6") -> Dataset:
    return Dataset.from_list([{"prompt": prompt, "chosen": chosen, "rejected": rejected, "annotator": "ann"}])


def told(pieces: tuple[Piece, ...]) -> list[tuple[str, list[str]]]:
    return [(piece.role, piece.text.split()) for piece in pieces]


def test_roles_by_hand(tmp_path: Path) -> None:
    (row,) = shown(one_row(), tmp_path, max_length=None)
    assert row.number == 1
    assert told(row.chosen) == [("prompt", ["w1", "w2"]), ("chosen", ["w3", "w4", "w5", "<eos>"])]
    assert told(row.rejected) == [("prompt", ["w1", "w2"]), ("rejected", ["w6", "<eos>"])]


def test_what_max_length_cuts_off_is_unscored(tmp_path: Path) -> None:
    (row,) = shown(one_row(), tmp_path, max_length=4)
    assert told(row.chosen)[1:] == [("chosen", ["w3", "w4"]), ("unscored", ["w5", "<eos>"])]
    assert told(row.rejected)[1:] == [("rejected", ["w6", "<eos>"])]


@pytest.mark.parametrize("chat", [False, True])
def test_the_ids_are_those_of_the_trainer(chat: bool, tmp_path: Path) -> None:
    rows = as_chat(make_rows()) if chat else make_rows()
    trainer = make_trainer(tmp_path, rows, processing_class=make_tokenizer(chat), max_length=9)
    found = shown(rows, tmp_path, chat=chat, max_length=9)
    assert len(found) == 2
    batch = trainer.data_collator([trainer.train_dataset[i] for i in range(2)])
    for place, (row, name) in enumerate((row, name) for name in ("chosen", "rejected") for row in found):
        pieces = getattr(row, name)
        read = [i for piece in pieces if piece.role != "unscored" for i in piece.ids]
        scored = [i for piece in pieces if piece.role == name for i in piece.ids]
        ids, mask = batch["input_ids"][place], batch["completion_mask"][place].bool()
        assert read == ids[batch["attention_mask"][place].bool()].tolist()
        assert scored == ids[mask].tolist()
        assert (
            "".join(p.text for p in pieces).split()
            == make_tokenizer().decode([i for p in pieces for i in p.ids]).split()
        )


def test_rows_that_are_left_out_are_not_shown(tmp_path: Path) -> None:
    assert [row.number for row in shown(make_rows(5), tmp_path, left_out=np.array([0, 2]))] == [2, 4]
    assert shown(make_rows(2), tmp_path, left_out=np.array([0, 1])) == ()
    assert render_rows((), colours=True) == ""


ROW = ShownRow(
    7,
    (Piece("prompt", (1, 2), "Hi \x1b[2J\nthere"), Piece("chosen", (3,), " yes"), Piece("unscored", (4, 5), " cut")),
    (Piece("prompt", (1, 2), "Hi \x1b[2J\nthere"), Piece("rejected", (6,), " no")),
)


def test_plain_text_names_roles_and_shows_control_characters() -> None:
    text = render_rows((ROW,), colours=False)
    assert "\x1b" not in text
    lines = text.splitlines()
    assert lines[1] == (
        "The first row as the model sees it: [prompt] read, [chosen] scored, [rejected] scored, "
        "[unscored] cut off by max_length"
    )
    assert lines[3:] == [
        "Source row 7",
        "[prompt]   Hi ␛[2J␊",
        "           there (2 tokens)",
        "[chosen]    yes (1 token)",
        "[unscored]  cut (2 tokens)",
        "[rejected]  no (1 token)",
    ]


def test_colours_are_the_only_difference_and_end_with_each_line() -> None:
    coloured = render_rows((ROW,), colours=True)
    assert "\x1b[32m yes\x1b[0m" in coloured
    assert "\x1b[2J" not in coloured
    plain = coloured
    for code in ("36", "32", "31", "9;90", "0"):
        plain = plain.replace(f"\x1b[{code}m", "")
    assert plain == render_rows((ROW,), colours=False)
    for line in coloured.splitlines():
        assert line.count("\x1b[0m") * 2 == line.count("\x1b[")


def test_long_texts_are_shortened_in_the_middle() -> None:
    piece = Piece("prompt", (1,), "a" * LONGEST + "b" * LONGEST)
    text = render_rows((ShownRow(1, (piece,), (piece,)),), colours=False)
    assert f"a […{LONGEST:,} more characters…] b" in text
    assert text.count("a" * (LONGEST // 2)) == 1, "a prompt that both share is shown once"


def test_prompts_that_are_cut_differently_are_both_shown() -> None:
    cut = (Piece("unscored", (1,), "w1"), Piece("prompt", (2,), " w2"), Piece("chosen", (3,), " w3"))
    whole = (Piece("prompt", (1, 2), "w1 w2"), Piece("rejected", (4,), " w4"))
    assert render_rows((ShownRow(1, cut, whole),), colours=False).count("w1") == 2


def test_colours_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert has_colours(Terminal())
    assert not has_colours(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not has_colours(Terminal())
