"""The tables of a collection. Times are seconds since 1970, UTC. ``migrations/steps`` makes them, step by step.

Names of people are in ``identity`` alone: without its row there, a person is a pseudonym.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from votewise.collect.states import CAMPAIGN_STATES, CHOICES, PAIR_STATES, PURPOSES, STATES

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    """The constraint that a column has one of some values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


# Every version of collect.toml, the newest with the highest id.
config_version = Table(
    "config_version",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Double, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("content", Text, nullable=False),
)

# A model stays here when it leaves collect.toml, because answers name it. Role other: of imported pairs only.
model = Table(
    "model",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("role", String(5), nullable=False),
    Column("price_in", Double),
    Column("price_out", Double),
    one_of("role", ("a", "b", "probe", "other")),
)

# Who may post: a product, with the SHA-256 of its key.
product = Table(
    "product",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("key_hash", String(64), nullable=False, unique=True),
    Column("at", Double, nullable=False),
    Column("revoked_at", Double),
)

person = Table(
    "person",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("pseudonym", String(36), nullable=False, unique=True),
    Column("at", Double, nullable=False),
)

# What a product calls a person. Erasing a person deletes the row.
identity = Table(
    "identity",
    metadata,
    Column("product_id", ForeignKey("product.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, unique=True),
)

# history is a JSON list of messages. All three are null where a person's texts have been erased.
prompt = Table(
    "prompt",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("content", Text),
    Column("system", Text),
    Column("history", Text),
)

# An imported answer may have no model.
answer = Table(
    "answer",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("prompt_id", ForeignKey("prompt.id"), nullable=False, index=True),
    Column("model_id", ForeignKey("model.id")),
    Column("status", String(7), nullable=False),
    Column("content", Text),
    Column("tokens_in", Integer),
    Column("tokens_out", Integer),
    Column("at", Double),
    one_of("status", ("waiting", "done", "failed")),
)

# Two answers to one prompt; digest names the texts, so that the same texts are one pair for everybody who votes on them.
pair = Table(
    "pair",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), unique=True),
    Column("prompt_id", ForeignKey("prompt.id"), nullable=False, index=True),
    Column("answer_1", ForeignKey("answer.id"), nullable=False),
    Column("answer_2", ForeignKey("answer.id"), nullable=False),
)

# id is a UUID of version 7, which sorts by time. request_digest tells a repeated request from another one with its key.
comparison = Table(
    "comparison",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("product_id", ForeignKey("product.id"), nullable=False),
    Column("client_key", Text, nullable=False),
    Column("request_digest", String(64), nullable=False),
    Column("config_version", ForeignKey("config_version.id"), nullable=False),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("pair_id", ForeignKey("pair.id"), nullable=False),
    Column("left_answer", ForeignKey("answer.id"), nullable=False),
    Column("right_answer", ForeignKey("answer.id"), nullable=False),
    Column("purpose", String(5), nullable=False),
    Column("propensity", Double),
    Column("state", String(9), nullable=False),
    Column("lease_until", Double, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("voted_at", Double),
    UniqueConstraint("product_id", "client_key"),
    Index("ix_comparison_state_lease", "state", "lease_until"),
    Index("ix_comparison_state_voted", "state", "voted_at"),
    Index("ix_comparison_person_pair", "person_id", "pair_id"),
    Index("ix_comparison_pair_id", "pair_id"),
    one_of("purpose", PURPOSES),
    one_of("state", STATES),
)

# The campaign of this collection: one row at most. Its annotators are people of a product of its own, whose key nobody has.
# step: the log-odds that a mean vote adds. fitted_votes: votes at the last refit.
campaign = Table(
    "campaign",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("product_id", ForeignKey("product.id"), nullable=False),
    Column("state", String(6), nullable=False),
    Column("at", Double, nullable=False),
    Column("step", Double, nullable=False),
    Column("fitted_votes", Integer, nullable=False),
    Column("fitted_at", Double),
    one_of("state", CAMPAIGN_STATES),
)

# A pair that annotators judge. turn: which of equally undecided pairs comes first. votes and leases leave audit votes out;
# log_odds is that of answer_1 being truly better. propensity: probability with which it was drawn for an audit vote, null
# as long as it was never finished. waiting: it was drawn, and nobody has it or has voted on it.
campaign_pair = Table(
    "campaign_pair",
    metadata,
    Column("pair_id", ForeignKey("pair.id"), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("want", Integer, nullable=False),
    Column("turn", Double, nullable=False),
    Column("state", String(9), nullable=False),
    Column("votes", Integer, nullable=False),
    Column("leases", Integer, nullable=False),
    Column("log_odds", Double, nullable=False),
    Column("propensity", Double),
    Column("drawn", Boolean, nullable=False),
    Column("waiting", Boolean, nullable=False),
    Index("ix_campaign_pair_state", "state"),
    Index("ix_campaign_pair_waiting", "waiting"),
    one_of("state", PAIR_STATES),
)

# Who was invited, and what is believed: reliability with an interval, whether there are more pairs (active), which share of
# all pairs, whether the person may audit. shared: r of the group's error. given: pairs had. idle: whether there was none at
# the last look, seen_at.
annotator = Table(
    "annotator",
    metadata,
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("group_name", Text),
    Column("at", Double, nullable=False),
    Column("given", Integer, nullable=False),
    Column("reliability", Double, nullable=False),
    Column("low", Double, nullable=False),
    Column("high", Double, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("share", Double, nullable=False),
    Column("auditor", Boolean, nullable=False),
    Column("trusted", Boolean, nullable=False),
    Column("idle", Boolean, nullable=False),
    Column("seen_at", Double),
    Column("shared", Double, nullable=False, server_default="0"),
)

# A link that can be used once, with the SHA-256 of its token.
invite = Table(
    "invite",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("used_at", Double),
)

# Who is signed in, with the SHA-256 of what the cookie says.
session = Table(
    "session",
    metadata,
    Column("id_hash", String(64), primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
)

# The vote that counts. at: when the person chose.
vote = Table(
    "vote",
    metadata,
    Column("comparison_id", ForeignKey("comparison.id"), primary_key=True),
    Column("choice", String(8), nullable=False),
    Column("strength", Integer),
    Column("reasons", Text),
    Column("ms_visible", Integer),
    Column("revision", Integer, nullable=False),
    Column("at", Double, nullable=False),
    one_of("choice", CHOICES),
)

# Everything that was ever done to a vote; triggers let nobody delete a row, or change more than empty reasons.
vote_log = Table(
    "vote_log",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("comparison_id", ForeignKey("comparison.id"), nullable=False, index=True),
    Column("act", String(5), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("choice", String(8), nullable=False),
    Column("strength", Integer),
    Column("reasons", Text),
    Column("ms_visible", Integer),
    Column("at", Double, nullable=False),
    one_of("act", ("vote", "undo", "final", "void")),
    one_of("choice", CHOICES),
)

# What the owner did. about: a pseudonym or a product, never what a product calls a person.
admin_log = Table(
    "admin_log",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Double, nullable=False),
    Column("act", Text, nullable=False),
    Column("about", Text, nullable=False),
)

# What was exported: the manifest as it stands beside the file, and the SHA-256 of the file.
export_manifest = Table(
    "export_manifest",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Double, nullable=False),
    Column("file_hash", String(64), nullable=False, index=True),
    Column("content", Text, nullable=False),
)

# What a choice means in the views: a label, the model on the winning side.
choice_meaning = Table(
    "choice_meaning",
    metadata,
    Column("choice", String(8), primary_key=True),
    Column("label", Text, nullable=False),
    Column("winner", Text, nullable=False),
)
