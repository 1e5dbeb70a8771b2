"""What the commands of ``votewise collect`` print."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from votewise.cli.printing.collect_campaign import print_campaign
from votewise.cli.printing.common import say
from votewise.errors import many
from votewise.workflows.collect_erase import CollectErasure
from votewise.workflows.collect_init import CollectFolder
from votewise.workflows.collect_migrate import CollectMigration
from votewise.workflows.collect_status import CollectStatus


def print_folder(result: CollectFolder) -> None:
    """Print where the settings and the database are, and which models are compared."""
    say(f"Settings: {result.settings}")
    say(f"Database: {result.database}")
    say(f"Models: {', '.join(f'{name} ({role})' for role, name in result.models.items())}")


def print_migration(result: CollectMigration) -> None:
    """Print the version of the tables, and the one that they had."""
    if result.before == result.after:
        say(f"The tables are of version {result.after} already.")
    else:
        say(f"The tables are of version {result.after} now; before: {result.before or 'none'}.")


def print_address(url: str) -> None:
    """Print where the service is, at once, so that a program that started it can read it."""
    print(f"Serving at {url}", flush=True)


def print_status(result: CollectStatus, *, as_json: bool) -> None:
    """Print a collection's counts and beliefs in at most ten lines, or all of them as JSON."""
    if as_json:
        print(json.dumps(result.summary(), indent=2))
        return
    gathered = result.gathered
    say(f"{many(sum(gathered.states.values()), 'comparison')}: {_listed(gathered.states)}")
    say(f"{many(gathered.votes, 'vote')} that cannot be undone: {_listed(gathered.labels)}")
    if gathered.first is not None and gathered.last is not None:
        say(f"by {many(gathered.people, 'person', 'people')}, from {_day(gathered.first)} to {_day(gathered.last)} UTC")
        say(f"on comparisons with the probe: {gathered.probes:,}; pairs with several votes: {gathered.shared_pairs:,}")
    if gathered.erased:
        say(f"erased: {many(gathered.erased, 'person', 'people')}")
    if gathered.cost is not None:
        say(f"cost of the answers, where it is known: {gathered.cost:,.2f}")
    if result.campaign is not None:
        print_campaign(result.campaign)
    if result.attentiveness is None:
        say(f"Attentiveness: unknown, because {result.unknown}")
    else:
        say(f"Mean attentiveness: {result.attentiveness:.2f}; people: {_listed(result.flags)}")


def print_erasure(result: CollectErasure, *, listed: bool) -> None:
    """Print who was erased, what stays, and which training sets were written before."""
    if listed:
        for one in result.people:
            say(f"{one.at}  {one.pseudonym}  votes that stay: {one.votes:,}; prompts erased: {one.prompts:,}")
        say(f"{many(len(result.people), 'person', 'people')} erased")
        return
    (one,) = result.people
    say(f"Erased: the name and {many(one.prompts, 'prompt')} with the answers")
    say(f"Votes that stay: {one.votes:,}, under {one.pseudonym}")
    if result.exports:
        say(f"These training sets were written before and may hold the texts: {', '.join(result.exports)}")


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in sorted(counts.items())) or "none"


def _day(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M")
