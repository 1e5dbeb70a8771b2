"""Pairs for annotators: read through the door that all commands share, and put in once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from shell import shell
from votewise import collect_import
from votewise.collect.asking import ComparisonRequest, GivenAnswer, create
from votewise.collect.database import reading, writing
from votewise.collect.folder import Collection
from votewise.collect.schema import answer, campaign, campaign_pair, model, pair, prompt
from votewise.errors import BadInputError


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return str(path)


def rows_of(numbers: range, **more: Any) -> list[dict[str, Any]]:
    return [{"prompt": f"ask {n}", "response_a": f"yes {n}", "response_b": f"no {n}", **more} for n in numbers]


def counts(result: Any) -> tuple[int, int, int, int]:
    return result.new, result.known, result.other_texts, result.total


def test_pairs_are_put_in_once(collection: Collection, tmp_path: Path) -> None:
    file = write(tmp_path / "pairs.jsonl", rows_of(range(5), model_a="new", model_b="third"))
    assert counts(collect_import(collection.folder, file, want=3)) == (5, 0, 0, 5)
    more = write(tmp_path / "more.jsonl", rows_of(range(3, 7), model_a="new", model_b="third"))
    assert counts(collect_import(collection.folder, more)) == (2, 2, 0, 7)
    swapped = [
        {"prompt": f"ask {n}", "response_a": f"no {n}", "response_b": f"yes {n}", "model_a": "third", "model_b": "new"}
        for n in range(2)
    ]
    assert counts(collect_import(collection.folder, write(tmp_path / "swapped.jsonl", swapped))) == (0, 2, 0, 7)
    with reading(collection.engine) as connection:
        wants = connection.execute(select(campaign_pair.c.want)).scalars().all()
        roles = {row.name: row.role for row in connection.execute(select(model.c.name, model.c.role))}
        assert len(connection.execute(select(pair.c.id)).all()) == 7
        assert connection.execute(select(campaign.c.state)).scalar() == "open"
    assert sorted(wants) == [3] * 5 + [12] * 2
    assert roles == {"new": "a", "old": "b", "small": "probe", "third": "other"}


def test_a_name_is_there_once(collection: Collection, tmp_path: Path) -> None:
    named = [{"pair": f"p{n}", **row} for n, row in enumerate(rows_of(range(3)))]
    assert counts(collect_import(collection.folder, write(tmp_path / "a.jsonl", named))) == (3, 0, 0, 3)
    named[1]["response_a"] = "another answer"
    assert counts(collect_import(collection.folder, write(tmp_path / "b.jsonl", named))) == (0, 2, 1, 3)


def test_a_pair_that_a_product_posted_is_the_same_pair(
    collection: Collection, new_product: Any, tmp_path: Path
) -> None:
    asked = ComparisonRequest(
        "k", "u", "2 + 2?", system="Be kind.", left=GivenAnswer("new", "Four."), right=GivenAnswer("old", "Five.")
    )
    mine = new_product()
    with writing(collection.engine) as connection:
        row, _ = create(connection, collection, mine, asked)
    conversation = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "2 + 2?"}]
    both = {"response_a": "Five.", "response_b": "Four.", "model_a": "old", "model_b": "new"}
    file = write(tmp_path / "pairs.jsonl", [{"prompt": conversation, **both}])
    assert counts(collect_import(collection.folder, file)) == (1, 0, 0, 1)
    with reading(collection.engine) as connection:
        assert connection.execute(select(campaign_pair.c.pair_id)).scalars().all() == [row.pair_id]


def test_votes_in_any_format_give_their_pairs(collection: Collection, tmp_path: Path) -> None:
    rows = [
        {
            "prompt": [
                {"role": "user", "content": "Hi."},
                {"role": "assistant", "content": "Hello."},
                {"role": "user", "content": "2 + 2?"},
            ],
            "chosen": [{"role": "assistant", "content": "Four."}],
            "rejected": [{"role": "assistant", "content": "Five."}],
            "annotator": who,
        }
        for who in ("ann", "bob")
    ]
    assert counts(collect_import(collection.folder, write(tmp_path / "votes.jsonl", rows))) == (1, 0, 0, 1)
    with reading(collection.engine) as connection:
        asked = connection.execute(select(prompt.c.content, prompt.c.history)).one()
        answers = connection.execute(select(answer.c.content, answer.c.model_id).order_by("content")).all()
    assert asked.content == "2 + 2?"
    assert [message["content"] for message in json.loads(asked.history)] == ["Hi.", "Hello."]
    assert [tuple(row) for row in answers] == [("Five.", None), ("Four.", None)]


def test_rows_that_cannot_be_used_are_kept_aside(collection: Collection, tmp_path: Path) -> None:
    rows = [*rows_of(range(2)), {"prompt": "ask", "response_a": "yes", "response_b": None}]
    rows.append({"prompt": "same", "response_a": "yes", "response_b": "yes"})
    file = write(tmp_path / "pairs.jsonl", rows)
    with pytest.raises(BadInputError, match="row 3"):
        collect_import(collection.folder, file)
    found = collect_import(collection.folder, file, on_error="skip")
    assert counts(found) == (2, 0, 0, 2)
    assert (found.rejected, found.identical) == (1, 1)
    assert found.rejected_file == collection.folder / "rejected.jsonl"
    assert "response_b" in (collection.folder / "rejected.jsonl").read_text()


def test_texts_that_no_database_keeps_are_one_line(collection: Collection, tmp_path: Path) -> None:
    file = write(tmp_path / "pairs.jsonl", [{"prompt": "nul \0", "response_a": "yes", "response_b": "no"}])
    with pytest.raises(BadInputError, match="holds the character NUL"):
        collect_import(collection.folder, file)
    with pytest.raises(BadInputError, match=r"want: out of range, got 0"):
        collect_import(collection.folder, file, want=0)


def test_the_shell_says_what_became_of_the_pairs(collection: Collection, tmp_path: Path) -> None:
    file = write(tmp_path / "pairs.jsonl", rows_of(range(4)))
    first = shell("collect", "import", str(collection.folder), file, "--limit", "3")
    assert (first.code, first.out) == (0, "3 new pairs; 3 pairs to judge in all\n")
    again = shell("collect", "import", str(collection.folder), file)
    assert again.out == "1 new pair; 4 pairs to judge in all\n3 pairs there already\n"
    assert json.loads(shell("collect", "import", str(collection.folder), file, "--json").out)["known"] == 4
