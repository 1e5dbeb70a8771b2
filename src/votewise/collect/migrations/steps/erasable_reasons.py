"""The log of votes may lose the reasons, which can be a person's own words, and nothing else."""

from __future__ import annotations

from alembic import op

revision = "7"
down_revision = "6"
branch_labels = None
depends_on = None

KEPT = ("id", "comparison_id", "act", "revision", "choice", "strength", "ms_visible", "at")


def upgrade() -> None:
    """Let an update empty ``reasons`` where everything else stays as it is."""
    if op.get_bind().dialect.name == "sqlite":
        same = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in KEPT)
        op.execute("DROP TRIGGER vote_log_update")
        op.execute(
            f"CREATE TRIGGER vote_log_update BEFORE UPDATE ON vote_log WHEN NOT (NEW.reasons IS NULL AND {same}) "
            "BEGIN SELECT RAISE(ABORT, 'vote_log is append only'); END"
        )
        return
    same = " AND ".join(f"NEW.{name} IS NOT DISTINCT FROM OLD.{name}" for name in KEPT)
    run = "EXECUTE FUNCTION vote_log_is_append_only()"
    op.execute("DROP TRIGGER vote_log_kept ON vote_log")
    op.execute(f"CREATE TRIGGER vote_log_kept BEFORE DELETE OR TRUNCATE ON vote_log FOR EACH STATEMENT {run}")
    op.execute(
        f"CREATE TRIGGER vote_log_update BEFORE UPDATE ON vote_log FOR EACH ROW "
        f"WHEN (NOT (NEW.reasons IS NULL AND {same})) {run}"
    )
