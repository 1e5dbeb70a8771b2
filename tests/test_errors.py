"""Errors are one line that says where, what, and what was expected."""

from __future__ import annotations

from votewise.errors import BadInputError, shorten


def test_errors_are_one_line_that_says_where() -> None:
    error = BadInputError(
        "unknown label", source="votes.csv", row=1234, column="label", value="yes\nno", expected="a, b or tie"
    )
    assert str(error) == "votes.csv, row 1,234, column 'label': unknown label, got 'yes\\nno' (expected a, b or tie)"


def test_long_values_are_shortened() -> None:
    text = shorten("x" * 10_000_000)
    assert len(text) < 80
    assert "10,000,000 characters" in text


def test_a_parameter_is_called_by_its_option_in_the_shell() -> None:
    error = BadInputError("out of range", parameter="min_confidence", value=2.0)
    assert str(error) == "min_confidence: out of range, got 2.0"
    assert error.in_shell() == "--min-confidence: out of range, got 2.0"
