"""Alembic migrations of the PostgreSQL catalog; `registry.postgres.migrate` runs them."""
