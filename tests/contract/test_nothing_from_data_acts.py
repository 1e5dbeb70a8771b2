"""Point 9 of the contract: nothing from data acts.

Here: not in a terminal, whatever shape the data have, and not in a page. Spreadsheets and secrets have modules of their own.
"""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from containers import file as write
from containers import json_lines
from flat_shapes import FLAT
from hypothesis import given
from hypothesis import strategies as st
from kept_contract import Table, empty_folder, examples, tables
from nested_shapes import NESTED
from test_one_path import read_or_refused

from shell import refused, shell

pytestmark = pytest.mark.slow
"""Each is fast; together they take some seconds."""

SHAPES = FLAT | NESTED
EVIL = "\x1b]0;title\x07\x1b[31mred\r\u202e\x9b2J\x7f[bold]x[/nope]\u2028"
FILE = "votes\x1b[2J[red]\u202e.jsonl"


@pytest.mark.parametrize("name", SHAPES)
def test_what_is_printed_of_votes_does_not_act(name: str) -> None:
    shape = SHAPES[name]

    @examples(1)
    @given(drawn=tables(shape), spread=st.integers(0, 999))
    def shown(drawn: Table, spread: int) -> None:
        rows, _ = drawn
        with empty_folder() as folder:
            path = write(folder, FILE, json_lines(rows))
            if read_or_refused(shape, path) is None:
                refused(shell("read", path))
                return
            audit = folder / "audit\x1b[1m"
            assert shell("read", path).code == 0
            assert shell("read", path, "--json").code == 0
            assert shell("audit", path, "--out", audit, "--force", "--no-report", "--no-intervals").code == 0
            assert shell("export", audit, "--to", "votes", "--out", folder / "x\x1b.jsonl").code in (0, 2)
            # A value of any column that acts: as a rule it is refused, and then the line shows it.
            row = spread % len(rows)
            column = list(rows[0])[spread % len(rows[0])]
            odd = [*rows[:row], rows[row] | {column: EVIL}, *rows[row + 1 :]]
            for words in (("read",), ("audit", "--out", folder / "odd", "--force", "--no-report", "--no-intervals")):
                ended = shell(*words, write(folder, FILE, json_lines(odd)))
                if ended.code:
                    refused(ended)
            ended = shell("read", write(folder, FILE, json_lines([r | {EVIL: EVIL} for r in rows])))
            if ended.code:
                refused(ended)

    shown()


# Pages.


class Structure(HTMLParser):
    """Elements and attributes of a page that hold a mark."""

    def __init__(self, mark: str) -> None:
        super().__init__()
        self.mark, self.found, self.texts = mark, list[str](), 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        acting = [n for n, v in attrs if self.mark in n or (n.startswith("on") and self.mark in (v or ""))]
        links = [v for n, v in attrs if n in ("href", "src", "style", "srcdoc", "action") and self.mark in (v or "")]
        if self.mark in tag or acting or any("javascript:" in v or "expression" in v for v in links if v):
            self.found.append(self.get_starttag_text() or tag)

    def handle_data(self, data: str) -> None:
        self.texts += self.mark in data

    def handle_comment(self, data: str) -> None:
        if self.mark in data:
            self.found.append(data)


MARK = "zq9x"
TAGS = (
    f"<{MARK} onload={MARK}()>", f"</script><script>{MARK}()</script>", f'"><img src=x onerror={MARK}()>', f"'{MARK}='",
    f"--><{MARK}>", f"]]><{MARK}>", f"{{{{ {MARK} }}}}", f"{{% {MARK} %}}", f"</textarea></title></style><{MARK}>",
    f"javascript:{MARK}()", f"\\u003c{MARK}\\u003e", f"&lt;{MARK}&gt;", f"<!--{MARK}<script>", f"\u2028<{MARK}/>",
)  # fmt: skip
tags = st.sampled_from(TAGS)


def check_pages(folder: Path) -> None:
    """All pages below a folder show what came from data and do nothing else with it."""
    pages = list(folder.rglob("*.html"))
    assert pages
    for page in pages:
        structure = Structure(MARK)
        structure.feed(page.read_text("utf-8"))
        structure.close()
        assert not structure.found, structure.found
        assert structure.texts, "the page shows nothing of the data"


@examples(1)
@given(st.lists(tags, min_size=8, max_size=8))
def test_pages_show_what_is_in_data_and_do_not_act(words: list[str]) -> None:
    who, asked, one, two, domain, column, new, old = words
    new, old = f"{new}1", f"{old}2"
    votes = [
        {"annotator": f"{who}{i % 4}", "prompt": f"{asked}{i // 4}", "response_a": f"{one}a", "response_b": f"{two}b",
         "label": "ab"[i % 3 == 0], "domain": domain, column: "x", "model_a": new, "model_b": old, "time": 1_700_000_000 + i}
        for i in range(40)
    ]  # fmt: skip
    clicks = [
        {"user": f"{who}{i % 9}", "prompt": asked, "model_a": new, "model_b": old, "domain": domain,
         "winner": "ab"[(i % 9 < 4) != (i % 5 == 0)], "time": 1_700_000_000 + 86_400 * i}
        for i in range(180)
    ]  # fmt: skip
    contests = [
        {"prompt": f"{asked}{i}", "model_a": new, "model_b": old, "response_a": one, "response_b": two,
         "winner": "ab"[i % 3 == 0], "domain": domain}
        for i in range(20)
    ]  # fmt: skip
    with empty_folder() as folder:
        path = write(folder, f"<{MARK}>'\" &amp;.jsonl", json_lines(votes))
        assert shell("audit", path, "--out", folder / "audit", "--force").code == 0
        path = write(folder, f"<{MARK}> clicks.jsonl", json_lines(clicks))
        # Some prefer one model and some the other: whichever comes first, somebody is kept.
        words = ["--domain", "domain", "--window", "30d", "--threshold", "0.05"]
        assert shell("filter", path, "--win-rate", "0.7", "--out", folder / "kept", *words).code == 0
        path = write(folder, f"<{MARK}> contests.jsonl", json_lines(contests))
        for command in ("win-rate", "matrix"):
            more = ["--model", new] if command == "win-rate" else []
            assert shell("evaluate", command, path, "--column", "winner", "--out", folder / command, *more).code == 0
            check_pages(folder / command)
        check_pages(folder / "audit")
        check_pages(folder / "kept")
