"""The folder of an audit: tables, summary and report."""

from __future__ import annotations

from collections.abc import Mapping
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

    def write_report(path: Path, facts: dict[str, Any]) -> None:
        from votewise.report.audit_page import write_audit_report  # here, because charts take long to import

        write_audit_report(path, votes, result, title=str(title), facts=report_facts(facts))

    if title is not None:
        from votewise.report.audit_page import remember_texts

        remember_texts(votes, result)
    return saved.write_audit(
        folder, votes, result, summary=summary, write_report=None if title is None else write_report
    )


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
