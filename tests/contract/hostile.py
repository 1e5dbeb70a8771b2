"""Names and texts that break careless readers, and hypothesis strategies that draw them among ordinary ones."""

from __future__ import annotations

from hypothesis import strategies as st

NAMES = (
    "w1", "W1", "Zoë", "007", "7", "7.0", "1e5", "00", "-0", "9007199254740993", "123456789012345678901234567890", "0x1F",
    "2024-01-02", "2024-01-02T03:04:05Z", "03:04:05", "6f9619ff-8b86-d011-b42d-00c04fc964ff",
    "6F9619FF-8B86-D011-B42D-00C04FC964FF", "true", "True", "null", "None", "NaN", "nan", "inf", "NA", "N/A", "#N/A", "-",
    "a", "b", "A", "tie", "left", "O'Brien", 'say "hi"', "one, two", "one; two", "one\ttwo", "two  spaces", " leading",
    "trailing ", "=cmd()", "+1", "@x", "-1", "ann@example.org", "(all)", "\u202eevil", "\u200bzero width", "名前", "مرحبا",
    "e\u0301", "\u00e9", "😀", "\\", "\\n", "'", '"', "[1]", "{}", "a\u00a0b", "line\nbreak", "[red]x[/red]", "%s",
    "\x1b[31m",
)  # fmt: skip
"""Names of people, models and pairs. None is blank, and all are different."""

TEXTS = (
    "Yes.", "No", "no", "NO", "", " ", "a", "b", "tie", "left", "right", "A", "first", "1", "0", "model_a", "response_b",
    "null", "NaN", "None", "true", "nan", "2024-01-02", "007", "9007199254740993", "1e5", "Hi, there; you\tthere",
    'He said "no".',
    '"', '""', '"quoted"', "it's", "'", "\\", '\\"', "ends in a backslash\\", "C:\\new\\table", "two\nlines", "two\r\nlines",
    "\nstarts with a line", "ends with a line\n", "a\rb", "tab\tin it", ",", ";", "\t", ",,,", "=1+1", "=cmd|' /C calc'!A0",
    "+1", "-1", "@SUM(A1)", '{"a": 1}', "[1, 2]", "{}", "[]", '{"role": "user"}', "[{",
    "<b>bold</b>", "<script>alert(1)</script>",
    "&amp;", "**md**", "[red]x[/red]", "```py\nprint('x')\n```", "\x1b[31mred\x1b[0m", "\x07", "\x1f", "\x7f", "\u2028sep",
    "\u202ertl", "مرحبا بالعالم", "日本語", "😀👩\u200d👩\u200d👧", "e\u0301", "\u00e9", "\u00a0", "\ufeffbom", "\ufffd",
    "x" * 3000,
    "\n\nHuman: Hi", "{{ template }}", "%s %d", "${x}", "\\u0041", "\u017f", "İ",
)  # fmt: skip
"""Texts of prompts and answers; all are different."""

WORDS = (
    "a",
    "b",
    "A",
    "tie",
    "left",
    "right",
    "Left",
    "first",
    "1",
    "0",
    "2",
    "model_a",
    "response_b",
    "skip",
    "both bad",
)
"""Texts that are words of labels, too: answers to a question with several choices, say."""

_LETTERS = st.characters(exclude_categories=("Cs",), exclude_characters="\0")


def names(*, more: bool = True) -> st.SearchStrategy[str]:
    """Names, never blank; ``more`` draws some of any characters too."""
    drawn = st.text(_LETTERS, min_size=1, max_size=8).filter(lambda text: bool(text.strip()) and text != "(unknown)")
    return st.sampled_from(NAMES) | drawn if more else st.sampled_from(NAMES)


def answers() -> st.SearchStrategy[list[str]]:
    """Different texts of the answers of a table; sometimes all of them are words of labels."""
    some = {"min_size": 2, "max_size": 6, "unique": True}
    return st.lists(texts(), **some) | st.lists(texts(), **some) | st.lists(st.sampled_from(WORDS), **some)


def remarks() -> st.SearchStrategy[str]:
    """Texts without a word for a status, a split or a question, which a column would be asked about."""
    return texts().filter(lambda text: text in TEXTS or not (text.isalpha() or "_" in text))


def texts() -> st.SearchStrategy[str]:
    """Texts, some of them empty."""
    return st.sampled_from(TEXTS) | st.text(_LETTERS, max_size=12)
