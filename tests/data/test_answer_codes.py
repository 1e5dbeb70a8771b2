"""Which pairs have an answer in common."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from votewise.data.answer_codes import answer_codes, recurring
from votewise.data.votes import Votes
from votewise.sources import read_votes


def read(rows: list[tuple[str, object, object]]) -> Votes:
    return read_votes(
        pa.Table.from_pylist(
            [
                {"prompt": p, "response_a": a, "response_b": b, "annotator": f"w{i}", "label": "a"}
                for i, (p, a, b) in enumerate(rows)
            ]
        )
    )


def test_an_answer_is_a_response_to_a_prompt() -> None:
    votes = read([("p", "x", "y"), ("p", "y", "z"), ("q", "x", "y")])
    codes = answer_codes(votes)
    assert codes is not None
    assert codes[0, 1] == codes[1, 0]
    assert len(np.unique(codes)) == 5
    assert recurring(codes)


def test_conversations_are_answers_too() -> None:
    def say(text: str) -> list[dict[str, str]]:
        return [{"role": "assistant", "content": text}]

    codes = answer_codes(read([("p", say("x"), say("y")), ("p", say("z"), say("x"))]))
    assert codes is not None
    assert codes[0, 0] == codes[1, 1]
    assert len(np.unique(codes)) == 3


def test_nothing_recurs() -> None:
    codes = answer_codes(read([("p", "x", "y"), ("q", "x", "y")]))
    assert codes is not None
    assert not recurring(codes)


def test_votes_without_texts_have_no_answers() -> None:
    assert answer_codes(Votes.from_arrays([0, 1], [0, 1], [1, -1])) is None


def test_known_answers_are_kept() -> None:
    votes = Votes.from_arrays([0, 1], [0, 1], [1, -1], answers=[[0, 1], [1, 2]])
    assert answer_codes(votes) is votes.answers


@pytest.mark.parametrize("n", [1, 200])
def test_many_prompts(n: int) -> None:
    codes = answer_codes(read([(f"p{i}", "x", "y") for i in range(n)]))
    assert codes is not None
    assert len(np.unique(codes)) == 2 * n
