import pytest

from votewise.errors import BadInputError
from votewise.workflows.parsing import parse_temperature


def test_a_temperature_is_a_number_a_text_or_fit() -> None:
    assert parse_temperature("fit") == "fit"
    assert parse_temperature("0.5") == parse_temperature(0.5) == 0.5
    with pytest.raises(BadInputError, match=r"^temperature: not a number") as raised:
        parse_temperature("warm")
    assert raised.value.in_shell().startswith("--temperature: ")
