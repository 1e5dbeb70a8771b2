"""What alembic runs for each migration: the steps, on the connection that ``database.migrate_tables`` gives it."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
