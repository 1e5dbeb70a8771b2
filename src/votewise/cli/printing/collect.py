"""What the commands of ``votewise collect`` print."""

from __future__ import annotations

from votewise.cli.printing.common import say
from votewise.workflows.collect_init import CollectFolder
from votewise.workflows.collect_migrate import CollectMigration


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
