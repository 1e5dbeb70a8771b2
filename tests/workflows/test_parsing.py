import pytest

from votewise.errors import BadInputError
from votewise.workflows.parsing import as_list, parse_temperature


def test_a_temperature_is_a_number_a_text_or_fit() -> None:
    assert parse_temperature("fit") == "fit"
    assert parse_temperature("0.5") == parse_temperature(0.5) == 0.5
    with pytest.raises(BadInputError, match=r"^temperature: not a number") as raised:
        parse_temperature("warm")
    assert raised.value.in_shell().startswith("--temperature: ")


def test_one_source_or_several() -> None:
    rows = [{"prompt": "x"}]
    assert as_list("a.jsonl") == ["a.jsonl"]
    assert as_list(("a.jsonl", rows)) == ["a.jsonl", rows]
    assert as_list(rows) == [rows]
    assert as_list(()) == []
