"""What the commands about a collection's campaign print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from votewise.cli.printing.common import say
from votewise.errors import many
from votewise.workflows.collect_import import CollectImport

if TYPE_CHECKING:
    from votewise.collect.campaign_status import CampaignCounts


def print_import(result: CollectImport) -> None:
    """Print what became of the pairs."""
    say(f"{many(result.new, 'new pair')}; {many(result.total, 'pair')} to judge in all")
    for number, what in (
        (result.known, "there already"),
        (result.other_texts, "left out: their names are there with other texts"),
    ):
        if number:
            say(f"{many(number, 'pair')} {what}")
    if result.identical:
        say(f"{many(result.identical, 'row')} left out, with two equal answers")
    if result.rejected:
        where = "" if result.rejected_file is None else f"; see {result.rejected_file}"
        say(f"{many(result.rejected, 'row')} left out, because they cannot be used{where}")


def print_campaign(counts: CampaignCounts) -> None:
    """Print how far a campaign is, and how often its labels are right."""
    states = ", ".join(f"{number:,} {state}" for state, number in sorted(counts.pairs.items())) or "none"
    say(f"Campaign {counts.state}; pairs: {states}; {many(counts.votes, 'vote')} for their labels")
    people = many(counts.annotators, "annotator")
    say(f"{people}, of whom {counts.retired:,} get no more pairs" if counts.retired else people)
    if counts.claimed is not None:
        audited = "no audit votes yet"
        if (found := counts.accuracy) is not None:
            right = min(max(found.right, 0.0), 1.0)
            audited = f"audit votes say {right:.1%} ({found.low:.1%} to {found.high:.1%}, of {found.audits:,})"
        say(f"Labels of finished pairs that are right: posteriors claim {counts.claimed:.1%}, {audited}")
