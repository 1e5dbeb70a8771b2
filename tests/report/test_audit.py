"""The audit report as HTML: complete, safe whatever the data contain, small, and the same for the same votes."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from votewise.annotators.estimate import estimate_reliability
from votewise.annotators.results import ReliabilityResult
from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.report.audit_page import render_audit_report, write_audit_report
from votewise.simulate import simulate_annotators

Audited = tuple[Votes, ReliabilityResult]
PageOf = Callable[[str], Any]


def render(audited: Audited, **options: Any) -> str:
    return render_audit_report(*audited, title="A test", **options)


def test_states_what_a_manager_wants_to_know(plain: Audited, page_of: PageOf) -> None:
    words = page_of(render(plain, facts={"version": "9.9", "date": "2026-11-20"})).words
    for expected in (
        "12 annotators cast 300 votes on 60 pairs",
        "Which annotators to trust",
        "What to do next",
        "When not to trust",
    ):
        assert expected in words
    assert "2026-11-20" in words
    assert "adversarial" in words
    assert re.search(r"An estimated \d+\.\d% of the 300 decided votes are wrong", words)


def test_every_section_is_linked(plain: Audited, page_of: PageOf) -> None:
    page = page_of(render(plain))
    ids = {value for _, name, value in page.attributes if name == "id"}
    links = {value[1:] for _, name, value in page.attributes if name == "href" and value and value.startswith("#")}
    assert {"overview", "reliability", "calibration", "time", "annotators", "suspicious", "method"} <= ids
    assert links <= ids


def test_hostile_texts_are_only_text(plain: Audited, hostile: Audited, page_of: PageOf) -> None:
    """The page of hostile votes has the same elements as that of harmless ones: nothing was injected."""
    ours, theirs = page_of(render(plain)), page_of(render(hostile))
    for tag in ("script", "style", "img", "iframe", "object", "form", "meta", "link"):
        assert theirs.elements[tag] == ours.elements[tag], tag
    assert "<script>document.title='HACKED'</script>" in theirs.words
    assert "{{ 7*7 }}" in theirs.words
    handlers = {name for _, name, _ in theirs.attributes if name.startswith("on")}
    assert not handlers
    ids = [value for _, name, value in theirs.attributes if name in ("id", "href", "class", "data-flag")]
    assert not any("script" in (value or "") for value in ids)


def test_hostile_title_and_facts_are_only_text(plain: Audited, page_of: PageOf) -> None:
    html = render_audit_report(*plain, title="</title><script>1</script>", facts={"<b>": "<script>2</script>"})
    assert page_of(html).elements["script"] == page_of(render(plain)).elements["script"]
    assert "<script>2" not in html


def test_chart_data_cannot_leave_its_block(hostile: Audited) -> None:
    block = re.search(r'<script type="application/json" id="chart-data">(.*?)</script>', render(hostile), re.DOTALL)
    assert block
    assert not set("<>&\u2028\u2029") & set(block.group(1))
    data = json.loads(block.group(1))
    assert set(data["specs"]) == {"annotators", "votes", "activity", "calibration", "time"}
    assert set(data["themes"]) == {"light", "dark"}


def test_page_loads_nothing_from_the_network(plain: Audited, page_of: PageOf) -> None:
    page = page_of(render(plain))
    outside = [value for _, name, value in page.attributes if name in ("src", "href") and value and ":" in value]
    assert outside == ["data:,"]
    policy = next(value for _, name, value in page.attributes if name == "content" and value and "default-src" in value)
    assert "default-src 'none'" in policy


def test_page_stays_small(plain: Audited) -> None:
    assert len(render(plain).encode()) < 2_000_000


@pytest.mark.parametrize("missing", ["texts", "times"])
def test_what_is_missing_is_left_out(missing: str, audited: Callable[..., Audited], page_of: PageOf) -> None:
    page = page_of(render(audited(**{missing: False})))
    ids = {value for _, name, value in page.attributes if name == "id"}
    assert ("time" in ids) == (missing != "times")
    assert ("Answer A" in page.words) == (missing != "texts")


def test_without_intervals_no_annotator_is_flagged(plain: Audited, page_of: PageOf) -> None:
    votes, _ = plain
    words = page_of(render((votes, estimate_reliability(votes, intervals=False)))).words
    assert "12 annotators (100.0%)" in words
    assert "Are the probabilities on this page right?" not in words


@pytest.mark.parametrize(
    ("pair", "annotator", "sign"),
    [([0], [0], [1]), ([0, 0], [0, 1], [0, 0]), ([0, 1], [0, 0], [1, -1]), ([0, 0, 1], [0, 1, 1], [1, -1, 0])],
    ids=["one vote", "all ties", "one annotator", "tiny"],
)
def test_tiny_audits_have_a_page(pair: list[int], annotator: list[int], sign: list[int], page_of: PageOf) -> None:
    votes = Votes.from_arrays(pair, annotator, sign)
    assert "Which annotators to trust" in page_of(render((votes, estimate_reliability(votes)))).words


@pytest.mark.slow
def test_many_annotators_are_cut_and_the_page_says_so(page_of: PageOf) -> None:
    data = simulate_annotators(annotators=5000, votes_per_annotator=(1, 60), seed=1)
    html = render((data.votes, estimate_reliability(data.votes)))
    words = page_of(html).words
    assert "1,500 of 5,000 annotators are drawn" in words
    assert re.search(r"of 5,000 annotators are listed", words)
    assert len(html.encode()) < 3_500_000


def test_same_votes_same_bytes(plain: Audited) -> None:
    assert render(plain) == render(plain)


def test_file_is_written_whole(plain: Audited, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "deep" / "report.html"
    assert write_audit_report(target, *plain, title="One") == target
    first = target.read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(BadInputError, match="No space left"):
        write_audit_report(target, *plain, title="Two")
    assert target.read_bytes() == first
    assert [p.name for p in target.parent.iterdir()] == ["report.html"]


def test_charts_and_tables_have_the_same_numbers(plain: Audited) -> None:
    block = re.search(r'id="chart-data">(.*?)</script>', render(plain), re.DOTALL)
    assert block
    specs = json.loads(block.group(1))["specs"]
    data = next(iter(specs["annotators"]["datasets"].values()))
    assert sum(row["annotators"] for row in data) == 12
    assert sum(row["votes"] for row in data) == 300
    reliability = [row["reliability"] for rows in specs["activity"]["datasets"].values() for row in rows]
    np.testing.assert_allclose(sorted(reliability), np.sort(plain[1].annotators["reliability"].to_numpy()), atol=1e-4)


def test_one_warning_is_at_the_top_and_the_other_notes_are_below(page_of: PageOf) -> None:
    """The mirror image asks nothing of the reader, so it is a note; what was tested and could have been seen is a list."""
    data = simulate_annotators(annotators=20, votes_per_pair=4, votes_per_annotator=(20, 60), seed=1)
    swapped = np.ones(len(data.votes), bool)
    votes = dataclasses.replace(
        data.votes, swapped=swapped, sign=np.where(np.arange(len(swapped)) % 3, -1, 1).astype("i1")
    )
    result = estimate_reliability(votes, fit_tests=True)
    warnings = [item.message for item in result.diagnostics if item.severity == "warning"]
    assert warnings
    html = render((votes, result))
    top, below = html.split('id="notes"')
    assert top.count('class="note ') == 1
    assert "mirror image" in below
    words = page_of(html).words
    assert warnings[0] in words
    assert "Do pairs differ in difficulty?" in words
    assert re.search(r"would be noticed in \d+% of such data sets", words)


def test_models_of_pairs_are_compared_on_the_page() -> None:
    votes = simulate_annotators(annotators=20, votes_per_pair=4, votes_per_annotator=(20, 60), seed=1).votes
    page = render_audit_report(votes, estimate_reliability(votes, model="auto"), title="votes")
    words = " ".join(re.sub(r"<[^>]+>", " ", page[page.index('id="models"') :]).split())
    assert re.search(r"was hidden, \d+ in all", words)
    assert re.search(r"equal 0\.\d{4} – – 0\.\d{3} \d+\.\d% difficulty 0\.\d{4} [+-]0\.\d{4}", words)
    assert 'id="models"' not in render_audit_report(votes, estimate_reliability(votes), title="votes")
