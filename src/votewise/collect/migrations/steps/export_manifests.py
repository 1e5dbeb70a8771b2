"""Manifests of what was exported; and the view ``comparisons`` with votes on erased texts, which still count."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "6"
down_revision = "5"
branch_labels = None
depends_on = None

NOW = {
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
    "postgresql": "extract(epoch FROM clock_timestamp())",
}
"""Seconds since 1970."""

# The answers may have been erased together with their prompt: what is left says who voted for which model.
COMPARISONS = """
    CREATE VIEW comparisons AS SELECT
    person.pseudonym AS "user",
    choice_meaning.winner AS winner,
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
    FROM vote
    JOIN comparison ON comparison.id = vote.comparison_id
    JOIN choice_meaning ON choice_meaning.choice = vote.choice
    JOIN person ON person.id = comparison.person_id
    JOIN answer AS left_one ON left_one.id = comparison.left_answer
    JOIN answer AS right_one ON right_one.id = comparison.right_answer
    LEFT JOIN model AS left_model ON left_model.id = left_one.model_id
    LEFT JOIN model AS right_model ON right_model.id = right_one.model_id
    JOIN prompt ON prompt.id = left_one.prompt_id
    WHERE comparison.state = 'final' OR (comparison.state = 'voted' AND comparison.voted_at <= {now} - 10)
"""


def upgrade() -> None:
    """Make the table, and the view again."""
    op.create_table(
        "export_manifest",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("file_hash", sa.String(64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_export_manifest"),
    )
    op.create_index("ix_export_manifest_file_hash", "export_manifest", ["file_hash"])
    op.execute("DROP VIEW comparisons")
    op.execute(COMPARISONS.format(now=NOW[op.get_bind().dialect.name]))
