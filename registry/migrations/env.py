"""Alembic's entry: run the migrations on the connection that `registry.postgres.migrate` hands over."""

from __future__ import annotations

from alembic import context

from isocenter.registry.models import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
