"""Ids that alone tell two questions apart: the same answers to both never become one pair in silence."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from votewise.errors import BadInputError
from votewise.sources import read_votes


def row(who: str, label: str, **more: Any) -> dict[str, Any]:
    return {"annotator": who, "response_a": "Yes", "response_b": "No", "label": label, **more}


@pytest.mark.parametrize("name", ["task_id", "item_id", "question_id", "HITId", "prompt_id", "example_index"])
@pytest.mark.parametrize("kind", [int, str])
def test_two_people_on_two_tasks_with_the_same_answers(name: str, kind: Any) -> None:
    rows = [row("u", "a", **{name: kind(1)}), row("v", "b", **{name: kind(2)})]
    role = "pair" if kind is int else "prompt"
    with pytest.raises(
        BadInputError, match=rf"'{name}': differs between rows 1 and 2.*--columns {role}={name} if"
    ) as said:
        read_votes(rows)
    assert f"--columns {name}= if not" in str(said.value)
    assert read_votes(rows, columns={role: name}).n_pairs == 2
    assert read_votes(rows, columns={name: ""}).n_pairs == 1


def test_an_id_that_is_the_same_wherever_the_answers_are_is_no_problem() -> None:
    rows = [row("u", "a", task_id=1), row("v", "b", task_id=1), row("u", "a", task_id=2) | {"response_a": "Maybe"}]
    assert read_votes(rows).n_pairs == 2


def test_with_a_prompt_ids_only_number_the_work() -> None:
    rows = [row("u", "a", task_id=1, prompt="why?"), row("v", "b", task_id=2, prompt="why?")]
    assert read_votes(rows).n_pairs == 1


def test_an_id_without_a_meaning_is_noted_where_it_numbers_rows_and_refused_where_people_share_it() -> None:
    rows = [row("u", "a", id=1), row("v", "b", id=2)]
    votes = read_votes(rows)
    assert votes.n_pairs == 1
    assert any("differ in 'id'; --columns pair=id" in note for note in votes.reading.notes)  # type: ignore[union-attr]
    shared = [row(who, "ab"[i == 2], id=i) for i, who in itertools.product((1, 2), "uv")]
    with pytest.raises(BadInputError, match="'id': differs between rows 1 and 3"):
        read_votes(shared)
    assert read_votes(shared, columns={"pair": "id"}).n_pairs == 2
    # One person's own numbers of rows are shared with nobody.
    own = [row(who, "a", id=f"{who}{i}", response_b=f"n{i}") for who, i in itertools.product("uv", range(3))]
    assert read_votes(own).n_pairs == 3


def test_metadata_of_a_column_does_not_make_it_an_object() -> None:
    import pyarrow as pa

    rows = [row("u", "a", prompt="p", number=1), row("v", "b", prompt="p", number=2)]
    table = pa.Table.from_pylist(rows)
    fields = [field.with_metadata({"PARQUET:field_id": "1"}) for field in table.schema]
    assert read_votes(pa.Table.from_arrays(table.columns, schema=pa.schema(fields))).n_pairs == 1


@pytest.mark.parametrize(
    "name", ["frage_id", "szenario_nr", "pregunta_id", "вопрос_id", "问题编号", "lfd_nr", "aufgabe", "sahne"]
)
@pytest.mark.parametrize("kind", [int, str])
def test_ids_in_other_languages_that_people_share(name: str, kind: Any) -> None:
    rows = [row("w", "a", **{name: kind(1)}), row("w", "b", **{name: kind(2)}), row("v", "b", **{name: kind(2)})]
    with pytest.raises(BadInputError, match=f"'{name}': differs between rows 1 and 2") as said:
        read_votes(rows)
    role = "pair" if kind is int else "prompt"
    assert f"{role}={name}" in str(said.value)
    assert read_votes(rows, columns={role: name}).n_pairs == 2
    assert read_votes(rows, columns={name: ""}).n_pairs == 1


@pytest.mark.parametrize("name", ["geschlecht", "alter", "kohorte", "session_no", "batch", "round"])
def test_what_is_the_same_in_all_votes_of_each_annotator_is_no_question(name: str) -> None:
    rows = [row(who, "a", **{name: value}) for who, value in (("u", 1), ("v", 1), ("w", 2), ("x", 2))]
    assert read_votes(rows).n_pairs == 1
