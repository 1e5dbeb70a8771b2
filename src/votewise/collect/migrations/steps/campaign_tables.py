"""Campaigns: pairs for invited annotators, who is invited and signed in; purposes, roles and models that they need.

SQLite changes the constraints of a table by making it anew. The views are made again after that, with answers that have no
model.
"""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "5"
down_revision = "4"
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
    JOIN choice_meaning ON choice_meaning.choice = vote.choice
    JOIN person ON person.id = comparison.person_id
    JOIN answer AS left_one ON left_one.id = comparison.left_answer
    JOIN answer AS right_one ON right_one.id = comparison.right_answer
    LEFT JOIN model AS left_model ON left_model.id = left_one.model_id
    LEFT JOIN model AS right_model ON right_model.id = right_one.model_id
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
OWN = {
    "votes": "person.pseudonym AS annotator, choice_meaning.label AS label,",
    "comparisons": 'person.pseudonym AS "user", choice_meaning.winner AS winner,',
}
CHECKS = {
    "comparison": ("purpose", "purpose IN ('main', 'probe')", "purpose IN ('main', 'probe', 'audit')"),
    "model": ("role", "role IN ('a', 'b', 'probe')", "role IN ('a', 'b', 'probe', 'other')"),
}
"""Table -> the column whose values are more now, the condition as it was, and as it is."""


def upgrade() -> None:
    """Make the tables, widen the constraints, and make the views again."""
    dialect = op.get_bind().dialect.name
    for view in OWN:
        op.execute(f"DROP VIEW {view}")
    if dialect == "sqlite":
        for table, (_, before, after) in CHECKS.items():
            _made_anew(table, before, after)
        _made_anew("answer", "model_id INTEGER NOT NULL", "model_id INTEGER")
    else:
        for table, (column, _, after) in CHECKS.items():
            op.drop_constraint(f"ck_{table}_{column}", table)
            op.create_check_constraint(f"ck_{table}_{column}", table, after)
        op.alter_column("answer", "model_id", nullable=True)
    op.create_index("ix_comparison_pair_id", "comparison", ["pair_id"])
    _campaign()
    _annotators()
    rows = ROWS.format(now=NOW[dialect])
    for view, own in OWN.items():
        op.execute(f"CREATE VIEW {view} AS SELECT {own} {SHARED} {rows}")


def _made_anew(table: str, before: str, after: str) -> None:
    """Make a table of SQLite anew, with one piece of its definition changed."""
    bind = op.get_bind()
    kept = sa.text("SELECT sql FROM sqlite_master WHERE type = :type AND tbl_name = :table AND sql IS NOT NULL")
    definition = bind.execute(kept, {"type": "table", "table": table}).scalar_one()
    indexes = bind.execute(kept, {"type": "index", "table": table}).scalars().all()
    if definition.count(before) != 1:
        raise RuntimeError(f"the definition of {table} is not the one that earlier steps made")
    definition = re.sub(rf'^CREATE TABLE "?{table}"?', f"CREATE TABLE new_{table}", definition.replace(before, after))
    for statement in (
        definition,
        f"INSERT INTO new_{table} SELECT * FROM {table}",
        f"DROP TABLE {table}",
        f"ALTER TABLE new_{table} RENAME TO {table}",
        *indexes,
    ):
        bind.exec_driver_sql(statement)


def _to(table: str, *columns: str) -> list[sa.ForeignKeyConstraint]:
    """Foreign keys of columns such as ``person_id``."""
    return [
        sa.ForeignKeyConstraint([name], [f"{name.removesuffix('_id')}.id"], name=f"fk_{table}_{name}")
        for name in columns
    ]


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _number(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=False)


def _yes(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _campaign() -> None:
    op.create_table(
        "campaign",
        _whole("id"),
        _whole("product_id"),
        sa.Column("state", sa.String(6), nullable=False),
        _number("at"),
        _number("step"),
        _whole("fitted_votes"),
        sa.Column("fitted_at", sa.Double()),
        sa.PrimaryKeyConstraint("id", name="pk_campaign"),
        sa.CheckConstraint("state IN ('open', 'paused', 'closed')", name="ck_campaign_state"),
        *_to("campaign", "product_id"),
    )
    op.create_table(
        "campaign_pair",
        _whole("pair_id"),
        sa.Column("name", sa.Text(), nullable=False),
        _whole("want"),
        _number("turn"),
        sa.Column("state", sa.String(9), nullable=False),
        _whole("votes"),
        _whole("leases"),
        _number("log_odds"),
        sa.Column("propensity", sa.Double()),
        _yes("drawn"),
        _yes("waiting"),
        sa.PrimaryKeyConstraint("pair_id", name="pk_campaign_pair"),
        sa.UniqueConstraint("name", name="uq_campaign_pair_name"),
        sa.CheckConstraint("state IN ('open', 'sure', 'contested', 'closed')", name="ck_campaign_pair_state"),
        *_to("campaign_pair", "pair_id"),
    )
    op.create_index("ix_campaign_pair_state", "campaign_pair", ["state"])
    op.create_index("ix_campaign_pair_waiting", "campaign_pair", ["waiting"])


def _annotators() -> None:
    op.create_table(
        "annotator",
        _whole("person_id"),
        sa.Column("group_name", sa.Text()),
        _number("at"),
        _whole("given"),
        *(_number(name) for name in ("reliability", "low", "high")),
        _yes("active"),
        _number("share"),
        *(_yes(name) for name in ("auditor", "trusted", "idle")),
        sa.Column("seen_at", sa.Double()),
        sa.PrimaryKeyConstraint("person_id", name="pk_annotator"),
        *_to("annotator", "person_id"),
    )
    op.create_table(
        "invite",
        sa.Column("token_hash", sa.String(64), nullable=False),
        _whole("person_id"),
        _number("at"),
        _number("expires_at"),
        sa.Column("used_at", sa.Double()),
        sa.PrimaryKeyConstraint("token_hash", name="pk_invite"),
        *_to("invite", "person_id"),
    )
    op.create_table(
        "session",
        sa.Column("id_hash", sa.String(64), nullable=False),
        _whole("person_id"),
        _number("at"),
        _number("expires_at"),
        sa.PrimaryKeyConstraint("id_hash", name="pk_session"),
        *_to("session", "person_id"),
    )
    for table in ("invite", "session"):
        op.create_index(f"ix_{table}_person_id", table, ["person_id"])
