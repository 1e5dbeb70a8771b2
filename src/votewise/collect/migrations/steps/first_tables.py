"""The first tables: settings, models, products, people, pairs, comparisons, votes and the log of votes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None
branch_labels = None
depends_on = None

CHOICES = "choice IN ('left', 'right', 'tie', 'both_bad', 'skip')"
STATES = (
    "state IN ('created', 'answering', 'ready', 'shown', 'voted', 'final', 'one_sided', 'failed', 'expired', 'skipped', "
    "'voided')"
)


def upgrade() -> None:
    """Make them, with triggers that keep the log of votes as it is."""
    _settings_and_people()
    _pairs()
    _comparisons()
    _votes()
    _keep_the_log()


def _key(name: str = "id") -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _settings_and_people() -> None:
    op.create_table(
        "config_version",
        _key(),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_config_version"),
    )
    op.create_table(
        "model",
        _key(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(5), nullable=False),
        sa.Column("price_in", sa.Double()),
        sa.Column("price_out", sa.Double()),
        sa.PrimaryKeyConstraint("id", name="pk_model"),
        sa.UniqueConstraint("name", name="uq_model_name"),
        sa.CheckConstraint("role IN ('a', 'b', 'probe')", name="ck_model_role"),
    )
    op.create_table(
        "product",
        _key(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.String(64), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("revoked_at", sa.Double()),
        sa.PrimaryKeyConstraint("id", name="pk_product"),
        sa.UniqueConstraint("name", name="uq_product_name"),
        sa.UniqueConstraint("key_hash", name="uq_product_key_hash"),
    )
    op.create_table(
        "person",
        _key(),
        sa.Column("pseudonym", sa.String(36), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
        sa.UniqueConstraint("pseudonym", name="uq_person_pseudonym"),
    )
    op.create_table(
        "identity",
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("product_id", "name", name="pk_identity"),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name="fk_identity_product_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_identity_person_id"),
        sa.UniqueConstraint("person_id", name="uq_identity_person_id"),
    )


def _pairs() -> None:
    op.create_table(
        "prompt",
        _key(),
        sa.Column("content", sa.Text()),
        sa.Column("system", sa.Text()),
        sa.Column("history", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_prompt"),
    )
    op.create_table(
        "answer",
        _key(),
        sa.Column("prompt_id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(7), nullable=False),
        sa.Column("content", sa.Text()),
        sa.Column("tokens_in", sa.Integer()),
        sa.Column("tokens_out", sa.Integer()),
        sa.Column("at", sa.Double()),
        sa.PrimaryKeyConstraint("id", name="pk_answer"),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompt.id"], name="fk_answer_prompt_id"),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name="fk_answer_model_id"),
        sa.CheckConstraint("status IN ('waiting', 'done', 'failed')", name="ck_answer_status"),
    )
    op.create_index("ix_answer_prompt_id", "answer", ["prompt_id"])
    op.create_table(
        "pair",
        _key(),
        sa.Column("digest", sa.String(64)),
        sa.Column("prompt_id", sa.Integer(), nullable=False),
        sa.Column("answer_1", sa.Integer(), nullable=False),
        sa.Column("answer_2", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pair"),
        sa.UniqueConstraint("digest", name="uq_pair_digest"),
        sa.ForeignKeyConstraint(["prompt_id"], ["prompt.id"], name="fk_pair_prompt_id"),
        sa.ForeignKeyConstraint(["answer_1"], ["answer.id"], name="fk_pair_answer_1"),
        sa.ForeignKeyConstraint(["answer_2"], ["answer.id"], name="fk_pair_answer_2"),
    )
    op.create_index("ix_pair_prompt_id", "pair", ["prompt_id"])


def _comparisons() -> None:
    to = {
        "product_id": "product",
        "config_version": "config_version",
        "person_id": "person",
        "pair_id": "pair",
        "left_answer": "answer",
        "right_answer": "answer",
    }
    op.create_table(
        "comparison",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("client_key", sa.Text(), nullable=False),
        sa.Column("request_digest", sa.String(64), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in to),
        sa.Column("purpose", sa.String(5), nullable=False),
        sa.Column("propensity", sa.Double()),
        sa.Column("state", sa.String(9), nullable=False),
        sa.Column("lease_until", sa.Double(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("voted_at", sa.Double()),
        sa.PrimaryKeyConstraint("id", name="pk_comparison"),
        sa.UniqueConstraint("product_id", "client_key", name="uq_comparison_product_id"),
        sa.CheckConstraint("purpose IN ('main', 'probe')", name="ck_comparison_purpose"),
        sa.CheckConstraint(STATES, name="ck_comparison_state"),
        *(sa.ForeignKeyConstraint([name], [f"{table}.id"], name=f"fk_comparison_{name}") for name, table in to.items()),
    )
    op.create_index("ix_comparison_state_lease", "comparison", ["state", "lease_until"])
    op.create_index("ix_comparison_state_voted", "comparison", ["state", "voted_at"])
    op.create_index("ix_comparison_person_pair", "comparison", ["person_id", "pair_id"])


def _votes() -> None:
    op.create_table(
        "vote",
        sa.Column("comparison_id", sa.String(36), nullable=False),
        sa.Column("choice", sa.String(8), nullable=False),
        sa.Column("strength", sa.Integer()),
        sa.Column("reasons", sa.Text()),
        sa.Column("ms_visible", sa.Integer()),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("comparison_id", name="pk_vote"),
        sa.ForeignKeyConstraint(["comparison_id"], ["comparison.id"], name="fk_vote_comparison_id"),
        sa.CheckConstraint(CHOICES, name="ck_vote_choice"),
    )
    op.create_table(
        "vote_log",
        _key(),
        sa.Column("comparison_id", sa.String(36), nullable=False),
        sa.Column("act", sa.String(5), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("choice", sa.String(8), nullable=False),
        sa.Column("strength", sa.Integer()),
        sa.Column("reasons", sa.Text()),
        sa.Column("ms_visible", sa.Integer()),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_vote_log"),
        sa.ForeignKeyConstraint(["comparison_id"], ["comparison.id"], name="fk_vote_log_comparison_id"),
        sa.CheckConstraint("act IN ('vote', 'undo', 'final', 'void')", name="ck_vote_log_act"),
        sa.CheckConstraint(CHOICES, name="ck_vote_log_choice"),
    )
    op.create_index("ix_vote_log_comparison_id", "vote_log", ["comparison_id"])


def _keep_the_log() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER vote_log_{act.lower()} BEFORE {act} ON vote_log "
                "BEGIN SELECT RAISE(ABORT, 'vote_log is append only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION vote_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'vote_log is append only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER vote_log_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON vote_log "
        "FOR EACH STATEMENT EXECUTE FUNCTION vote_log_is_append_only()"
    )
