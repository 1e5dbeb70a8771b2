"""What the errors of an annotator's group have in common, by the last refit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "8"
down_revision = "7"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is known of annotators who were there before."""
    op.add_column("annotator", sa.Column("shared", sa.Double(), nullable=False, server_default="0"))
