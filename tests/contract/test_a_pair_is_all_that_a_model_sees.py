"""Point 3 of the contract: two rows are the same pair only if everything that a model sees is equal.

That is system text, history, prompt, tools, chat-template arguments and pictures, and both answers with their tool calls,
names and reasoning. Answers in the other order are the same pair.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hostile import texts
from hypothesis import assume, given
from hypothesis import strategies as st
from kept_contract import examples
from written import Row, bot

from votewise.sources import read_votes

pytestmark = pytest.mark.slow
"""Each is fast; together they take some seconds."""

two = st.lists(texts(), min_size=2, max_size=2, unique=True)
talks = st.lists(st.tuples(texts(), texts()), max_size=2)


def talk(turns: list[tuple[str, str]], question: str) -> list[Row]:
    found = []
    for asked, said in turns:
        found += [{"role": "user", "content": asked}, bot(said)]
    return [*found, {"role": "user", "content": question}]


@st.composite
def rows(draw: st.DrawFn) -> Row:
    a, b = draw(two)
    return {
        "annotator": "u",
        "prompt": [{"role": "system", "content": draw(texts())}, *talk(draw(talks), draw(texts()))],
        "response_a": [bot(a)],
        "response_b": [bot(b)],
        "label": "a",
        "tools": [{"name": "f", "description": draw(texts())}],
        "image": draw(st.binary(min_size=1, max_size=3)),
    }


def change(row: Row, what: str, text: str) -> Row:
    """The row with one thing changed that a model sees."""
    row = deepcopy(row)
    if what == "tools":
        row["tools"][0]["description"] += "x" + text
    elif what == "image":
        row["image"] += b"\x00"
    elif what == "role":
        row["prompt"][0]["role"] = "user"
    elif what == "turn":
        row["prompt"][1:1] = talk([("And?", text)], "So?")[:2]
    elif what == "response":
        row["response_a"][0]["content"] += "x" + text
    elif what in ("reasoning_content", "name"):
        row["response_a"][0][what] = "because" + text
    elif what == "tool_calls":
        row["response_b"][0][what] = [{"function": {"name": "f", "arguments": text}}]
    else:
        place = {"system": 0, "question": -1}[what]
        row["prompt"][place]["content"] += "x" + text
    return row


SEEN = ("system", "question", "turn", "role", "response", "tools", "image", "reasoning_content", "name", "tool_calls")


@pytest.mark.parametrize("what", SEEN)
@examples(8)
@given(row=rows(), text=texts())
def test_whatever_a_model_sees_tells_pairs_apart(what: str, row: Row, text: str) -> None:
    other = change(row, what, text)
    assume(other["response_a"] != other["response_b"])
    votes = read_votes([row, other | {"annotator": "v"}])
    assert (len(votes), votes.n_pairs, len(set(votes.pair_ids.to_pylist()))) == (2, 2, 2)


@examples(12)
@given(row=rows())
def test_the_same_in_another_order_is_the_same_pair(row: Row) -> None:
    swapped = row | {"annotator": "v", "response_a": row["response_b"], "response_b": row["response_a"], "label": "b"}
    votes = read_votes([row, swapped])
    assert votes.n_pairs == 1
    assert votes.sign.tolist() == [1, 1]
    alone = [read_votes([one]).pair_ids.to_pylist() for one in (row, swapped)]
    assert alone[0] == alone[1]


@examples(12)
@given(
    row=rows(),
    more=st.dictionaries(st.sampled_from(["id", "created_at", "token_count"]), st.integers(0, 9), min_size=1),
)
def test_what_a_model_does_not_see_does_not(row: Row, more: dict[str, Any]) -> None:
    other = deepcopy(row) | {"annotator": "v"}
    other["response_a"][0] |= more
    assert read_votes([row, other]).n_pairs == 1
