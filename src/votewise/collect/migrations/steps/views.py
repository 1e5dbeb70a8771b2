"""The views that other commands read: ``votes`` for ``votewise audit`` and ``comparisons`` for ``votewise filter``."""

from __future__ import annotations

from alembic import op

revision = "2"
down_revision = "1"
branch_labels = None
depends_on = None

NOW = {
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
    "postgresql": "extract(epoch FROM clock_timestamp())",
}
"""Seconds since 1970."""

# A vote is counted as soon as it cannot be undone any more, also where no service runs that makes it final.
ROWS = """
    FROM vote
    JOIN comparison ON comparison.id = vote.comparison_id
    JOIN person ON person.id = comparison.person_id
    JOIN answer AS left_one ON left_one.id = comparison.left_answer
    JOIN answer AS right_one ON right_one.id = comparison.right_answer
    JOIN model AS left_model ON left_model.id = left_one.model_id
    JOIN model AS right_model ON right_model.id = right_one.model_id
    JOIN prompt ON prompt.id = left_one.prompt_id
    WHERE vote.choice <> 'skip' AND prompt.content IS NOT NULL AND (
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
    CAST(vote.ms_visible / 1000.0 AS DOUBLE PRECISION) AS seconds,
    vote.strength AS strength,
    comparison.purpose AS purpose,
    comparison.id AS comparison
"""
VOTES = """
    person.pseudonym AS annotator,
    CAST(CASE vote.choice WHEN 'left' THEN 'a' WHEN 'right' THEN 'b' ELSE vote.choice END AS TEXT) AS label,
"""
COMPARISONS = """
    person.pseudonym AS "user",
    CAST(CASE vote.choice WHEN 'left' THEN 'model_a' WHEN 'right' THEN 'model_b' ELSE vote.choice END AS TEXT) AS winner,
"""


def upgrade() -> None:
    """Make both views. The answer on the left is response_a, and its model is model_a."""
    rows = ROWS.format(now=NOW[op.get_bind().dialect.name])
    op.execute(f"CREATE VIEW votes AS SELECT {VOTES} {SHARED} {rows}")
    op.execute(f"CREATE VIEW comparisons AS SELECT {COMPARISONS} {SHARED} {rows}")
