"""The folder of an audit: tables, summary and report."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from votewise.annotators import saved
from votewise.annotators.results import ReliabilityResult
from votewise.data.votes import Votes


def write_audit(
    folder: Path,
    votes: Votes,
    result: ReliabilityResult,
    *,
    title: str | None,
    summary: dict[str, Any] | None = None,
) -> list[Path]:
    """``votewise.annotators.saved.write_audit`` with a report of that ``title``, or without one if None."""
    if title is None:
        return saved.write_audit(folder, votes, result, summary=summary, write_report=None)
    from votewise.report import audit_page, page  # here, because charts take long to import

    audit_page.remember_texts(votes, result)
    with ThreadPoolExecutor(1) as pool:
        # The charts are drawn while the tables are written.
        drawing = pool.submit(audit_page.draw, votes, result)

        def write_report(path: Path, summary: dict[str, Any]) -> None:
            facts, drawn = report_facts(summary), drawing.result()
            page.write(path, audit_page.render_audit_report(votes, result, title=title, facts=facts, drawn=drawn))

        return saved.write_audit(folder, votes, result, summary=summary, write_report=write_report)


def prepare_report() -> None:
    """Import and load what every report is made of; ``write_audit`` then takes less time."""
    from votewise.report import audit_page, page

    page.prepare(audit_page.TEMPLATE)


def report_facts(summary: Mapping[str, Any]) -> dict[str, str]:
    """What the report states about how it was made, in words."""
    facts = {
        "version": summary["versions"]["votewise"],
        "date": summary["created"] and summary["created"][:10],
        "source": summary["source"],
        "format": summary["format"],
    }
    if gold := summary["gold"]:
        facts["pairs that agree with gold"] = f"{gold['accuracy']:.1%} of {gold['pairs']:,}"
        facts["pairs that agree with gold, by majority vote"] = f"{gold['majority_accuracy']:.1%}"
        if gold["auc"] is not None:
            facts["AUC of confidence for wrong votes"] = f"{gold['auc']:.3f}"
    return {name: fact for name, fact in facts.items() if fact is not None}
