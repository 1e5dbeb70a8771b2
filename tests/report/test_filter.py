"""The filter report as HTML: complete, safe whatever the data hold, small, and the same for the same users."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from votewise.data.clicks import Counts
from votewise.errors import BadInputError
from votewise.report.filter_page import write_filter_report
from votewise.users.estimate import estimate_attentiveness
from votewise.users.known_win_rates import GoldSample

PageOf = Callable[[str], Any]
SECTIONS = {"overview", "attentiveness", "users", "selection", "win-rate", "prior", "method"}


def specs(html: str) -> dict[str, Any]:
    """The charts of a page."""
    block = re.search(r'id="chart-data">(.*?)</script>', html, re.DOTALL)
    assert block
    found: dict[str, Any] = json.loads(block.group(1))["specs"]
    return found


def test_says_what_a_manager_wants_to_know(one_domain: Any, page_of: PageOf) -> None:
    words = page_of(one_domain.render(facts={"version": "9.9", "date": "2026-11-20"})).words
    users, cells = one_domain.counts.users, one_domain.result.cells
    rows = users * one_domain.counts.comparisons[:, 0]
    right = rows[one_domain.kept] @ (1 + cells["attentiveness"].to_numpy()[one_domain.kept]) / 2
    kept = rows[one_domain.kept].sum()
    for expected in (
        f"400 users compared falcon with sparrow and chose {rows.sum():,} times",
        f"Keeping {users[one_domain.kept].sum():,} users",
        f"with {kept:,} clicks ({100 * kept / rows.sum():.1f}%) raises that to {100 * right / kept:.1f}%",
        "17 ties",
        "Train on comparisons.parquet",
        "When not to trust this",
        "2026-11-20",
    ):
        assert expected in words
    flags = words[words.index("Who they are") : words.index("What to do next")]
    shares = re.findall(r"\d users \((\d+\.\d)%\) with", flags)
    assert sum(map(float, shares)) == pytest.approx(100, abs=0.5)


def test_every_section_is_linked(one_domain: Any, page_of: PageOf) -> None:
    page = page_of(one_domain.render())
    ids = {value for _, name, value in page.attributes if name == "id"}
    links = {value[1:] for _, name, value in page.attributes if name == "href" and value and value.startswith("#")}
    assert ids >= SECTIONS
    assert links <= ids


def test_hostile_texts_are_only_text(users_of: Any, evil_domains: Any, page_of: PageOf) -> None:
    """The page of hostile texts has the same elements as that of harmless ones: nothing was injected."""
    harmless = users_of(rates={"a": 0.8, "b": GoldSample(160, 200), "c": GoldSample(80, 100)})
    html = evil_domains.render(title="</title><script>1</script>", facts={"<b>": "<script>2</script>"})
    ours, theirs = page_of(harmless.render()), page_of(html)
    for tag in ("script", "style", "img", "iframe", "object", "form", "meta", "link"):
        assert theirs.elements[tag] == ours.elements[tag], tag
    assert theirs.words.count("<script>document.title='HACKED'</script>") > 5
    assert not {name for _, name, _ in theirs.attributes if name.startswith("on")}
    ids = [value for _, name, value in theirs.attributes if name in ("id", "href", "class", "style")]
    assert not any("script" in (value or "") for value in ids)


def test_chart_data_cannot_leave_its_block(evil_domains: Any) -> None:
    html = evil_domains.render()
    block = re.search(r'<script type="application/json" id="chart-data">(.*?)</script>', html, re.DOTALL)
    assert block
    assert not set("<>&\u2028\u2029") & set(block.group(1))
    assert set(specs(html)) == {"attentiveness", "users", "retention", "domains"}


def test_page_asks_nothing_of_the_network(one_domain: Any, page_of: PageOf) -> None:
    page = page_of(one_domain.render())
    assert [value for _, name, value in page.attributes if name in ("src", "href") and value and ":" in value] == [
        "data:,"
    ]


def test_same_users_same_bytes(one_domain: Any) -> None:
    assert one_domain.render() == one_domain.render()


def test_charts_hold_what_the_cells_hold(one_domain: Any) -> None:
    drawn = specs(one_domain.render())
    users, n = one_domain.counts.users, one_domain.counts.comparisons[:, 0]
    bars = [row for rows in drawn["attentiveness"]["datasets"].values() for row in rows if "users" in row]
    assert sum(row["users"] for row in bars) == users.sum()
    assert sum(row["kept_users"] for row in bars) == users[one_domain.kept].sum()
    dots = [row for rows in drawn["users"]["datasets"].values() for row in rows if "users" in row]
    assert sum(row["users"] for row in dots) == users[n > 0].sum()
    assert sum(row["users"] for row in dots if row["kept"] == 1) == users[(n > 0) & one_domain.kept].sum()


def test_one_given_win_rate_needs_no_chart(one_domain: Any, page_of: PageOf) -> None:
    html = one_domain.render()
    assert "domains" not in specs(html)
    assert "was given as 80.0%" in page_of(html).words


def test_a_fitted_win_rate_is_shown_with_its_interval(users_of: Any, page_of: PageOf) -> None:
    found = users_of(rates={"": GoldSample(160, 200)})
    (row,) = found.result.win_rates.to_pylist()
    html = found.render()
    assert "domains" in specs(html)
    assert f"{100 * row['low']:.1f}% to {100 * row['high']:.1f}%" in page_of(html).words
    assert "Check the win rate" not in page_of(html).words


def test_a_fitted_win_rate_without_an_interval_has_a_page(users_of: Any, page_of: PageOf) -> None:
    counts = users_of().counts
    result = estimate_attentiveness(counts, win_rate=GoldSample(160, 200), prior="nonparametric")
    words = page_of(replace(users_of(), counts=counts, result=result).render()).words
    assert f"{100 * result.win_rates['win_rate'][0].as_py():.1f}%" in words


def test_the_choice_between_families_is_shown_best_first(users_of: Any, page_of: PageOf, one_domain: Any) -> None:
    columns = {
        "family": ["two-point", "beta"],
        "parameters": [3, 2],
        "log_likelihood": [-90.0, -80.0],
        "bic": [190.0, 170.0],
    }
    words = page_of(users_of(choice=pa.table(columns)).render()).words
    assert "beta 2 -80.0 170.0 used two-point 3 -90.0 190.0 +20.0" in words
    assert "Why this family" not in page_of(one_domain.render()).words


@pytest.mark.parametrize("keep", [False, True], ids=["nobody", "everybody"])
def test_a_rule_may_keep_nobody_or_everybody(keep: bool, one_domain: Any, page_of: PageOf) -> None:
    words = page_of(one_domain.render(kept=np.full(len(one_domain.kept), keep))).words
    assert ("The rule keeps none of them." in words) == (not keep)
    assert ("Relax the rule." in words) == (not keep)
    assert ("Keeping 400 users (100.0%)" in words) == keep


@pytest.mark.parametrize(("n", "wins"), [([5], [4]), ([3, 3], [3, 0]), ([0, 1], [0, 1])], ids=["one", "two", "idle"])
def test_few_users_have_a_page(n: list[int], wins: list[int], page_of: PageOf, users_of: Any) -> None:
    counts, _ = Counts.of_users(n, wins)
    result = estimate_attentiveness(counts, win_rate=0.8, prior="beta", standard_errors=False)
    cells = len(counts.users)
    small = replace(users_of(), counts=counts, result=result, kept=np.arange(cells) == 0, flags=["new"] * cells)
    words = page_of(small.render()).words
    assert f"{len(n)} user" in words
    assert "compared two models" in words


def test_without_comparisons_the_page_says_so(one_domain: Any, page_of: PageOf) -> None:
    counts = Counts(np.zeros((1, 1), int), np.zeros((1, 1), int), np.array([7]))
    cells = one_domain.result.cells.slice(0, 1)
    idle = replace(one_domain, counts=counts, result=replace(one_domain.result, cells=cells))
    html = idle.render(kept=[True], flags=["new"])
    assert "so nobody can be judged" in page_of(html).words
    assert "users" not in specs(html)


def test_many_users_share_dots_and_the_page_says_so(users_of: Any, page_of: PageOf) -> None:
    html = users_of(users=20_000, most=400).render()
    dots = [row for rows in specs(html)["users"]["datasets"].values() for row in rows if "users" in row]
    assert 100 < len(dots) <= 2_000
    assert f"different pairs of counts share {len(dots):,} dots" in page_of(html).words
    assert len(html.encode()) < 2_000_000


def test_many_domains_are_cut_and_the_page_says_so(users_of: Any, page_of: PageOf) -> None:
    found = users_of(users=60, rates={f"domain {i}": 0.7 for i in range(60)}, most=3)
    html = found.render()
    (rows,) = [rows for rows in specs(html)["domains"]["datasets"].values() if "name" in rows[0]]
    assert len(rows) == 40
    assert "40 of 60 domains are drawn" in page_of(html).words


def test_domains_alike_in_what_is_printed_stay_apart(users_of: Any) -> None:
    long = [f"{'x' * 60}{i}{'y' * 60}" for i in range(2)]
    (rows,) = [
        rows
        for rows in specs(users_of(rates=dict.fromkeys(long, 0.8)).render())["domains"]["datasets"].values()
        if "name" in rows[0]
    ]
    assert len({row["name"] for row in rows}) == 2


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"kept": [True]}, "kept has 1 entries"), ({"flags": ["new"]}, "flags has 1 entries"), ({}, "no such flag")],
)
def test_arguments_must_fit_the_cells(wrong: dict[str, Any], message: str, one_domain: Any) -> None:
    options = wrong or {"flags": ["wise"] * len(one_domain.flags)}
    with pytest.raises(BadInputError, match=message):
        one_domain.render(**options)


def test_file_is_written_whole(one_domain: Any, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "report.html"
    options = {"kept": one_domain.kept, "flags": one_domain.flags, "rule": one_domain.rule, "title": "A test"}
    assert write_filter_report(target, one_domain.counts, one_domain.result, **options) == target
    assert target.read_text(encoding="utf-8") == one_domain.render()
    assert [path.name for path in target.parent.iterdir()] == ["report.html"]
