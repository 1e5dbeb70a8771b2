"""The views again, with columns of tables only.

SQLite declares no type for a column that is an expression, and what reads a view then guesses it from the first rows: an
empty view could not be read. So what a choice means is a table, and the time for which answers were seen stays in
milliseconds.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "4"
down_revision = "3"
branch_labels = None
depends_on = None

MEANINGS = [
    {"choice": "left", "label": "a", "winner": "model_a"},
    {"choice": "right", "label": "b", "winner": "model_b"},
    {"choice": "tie", "label": "tie", "winner": "tie"},
    {"choice": "both_bad", "label": "both_bad", "winner": "both_bad"},
]
"""A skip does not count as a vote, so it is not among them."""

NOW = {
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
    "postgresql": "extract(epoch FROM clock_timestamp())",
}
"""Seconds since 1970."""

# A vote is counted as soon as it cannot be undone any more, also where no service runs that makes it final.
ROWS = """
    FROM vote
    JOIN comparison ON comparison.id = vote.comparison_id
    JOIN choice_meaning ON choice_meaning.choice = vote.choice
    JOIN person ON person.id = comparison.person_id
    JOIN answer AS left_one ON left_one.id = comparison.left_answer
    JOIN answer AS right_one ON right_one.id = comparison.right_answer
    JOIN model AS left_model ON left_model.id = left_one.model_id
    JOIN model AS right_model ON right_model.id = right_one.model_id
    JOIN prompt ON prompt.id = left_one.prompt_id
    WHERE prompt.content IS NOT NULL AND (
        comparison.state = 'final' OR (comparison.state = 'voted' AND comparison.voted_at <= {now} - 10)
    )
"""
SHARED = """
    prompt.content AS prompt,
    prompt.system AS system,
    prompt.history AS history,
    left_one.content AS response_a,
    right_one.content AS response_b,
    left_model.name AS model_a,
    right_model.name AS model_b,
    vote.at AS time,
    vote.ms_visible AS ms_visible,
    vote.strength AS strength,
    comparison.purpose AS purpose,
    comparison.id AS comparison
"""


def upgrade() -> None:
    """Make the table of meanings, and both views in the place of the earlier ones."""
    meaning = op.create_table(
        "choice_meaning",
        sa.Column("choice", sa.String(8), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("winner", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("choice", name="pk_choice_meaning"),
    )
    op.bulk_insert(meaning, MEANINGS)
    rows = ROWS.format(now=NOW[op.get_bind().dialect.name])
    for view, own in (
        ("votes", "person.pseudonym AS annotator, choice_meaning.label AS label,"),
        ("comparisons", 'person.pseudonym AS "user", choice_meaning.winner AS winner,'),
    ):
        op.execute(f"DROP VIEW {view}")
        op.execute(f"CREATE VIEW {view} AS SELECT {own} {SHARED} {rows}")
