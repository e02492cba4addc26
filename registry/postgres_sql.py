"""SQL of a user on a PostgreSQL catalog: only through a role that can do nothing but SELECT the catalog's tables, or not at all."""

from __future__ import annotations

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from isocenter.core.errors import BadInput, Refused
from isocenter.registry.models import Base
from isocenter.registry.postgres import open_postgres
from isocenter.registry.readonly import LIMIT, SECONDS, Answer

MAKE_ROLE = ("CREATE ROLE catalog_reader LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC; REVOKE CREATE, TEMPORARY ON DATABASE {database} FROM PUBLIC; "
             "GRANT SELECT ON ALL TABLES IN SCHEMA public TO catalog_reader")
POWERS = """
SELECT
  r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls AS "administers",
  has_database_privilege(current_database(), 'CREATE') OR has_database_privilege(current_database(), 'TEMPORARY') AS "creates in the database",
  EXISTS (SELECT FROM pg_namespace n WHERE has_schema_privilege(n.oid, 'CREATE')) AS "creates in a schema",
  EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
          AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND has_schema_privilege(n.oid, 'USAGE')
          AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')) AS "changes tables",
  EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
          AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND has_schema_privilege(n.oid, 'USAGE')
          AND NOT (n.nspname = current_schema() AND c.relname = ANY(:tables)) AND has_table_privilege(c.oid, 'SELECT')) AS "reads other tables",
  EXISTS (SELECT FROM pg_class c WHERE CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, 'USAGE, UPDATE') ELSE false END) AS "moves sequences",
  EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prosecdef
          AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND has_function_privilege(p.oid, 'EXECUTE')) AS "runs functions of others",
  EXISTS (SELECT FROM pg_roles g WHERE g.rolname <> current_user AND pg_has_role(g.oid, 'MEMBER')) AS "is a member of other roles"
FROM pg_roles r WHERE r.rolname = current_user
"""


def select_only(url: str, sql: str, *, limit: int = LIMIT, seconds: float = SECONDS) -> Answer:
    """Column names and at most `limit` rows of one SELECT. Raises Refused when the role of the URL can do more than read the catalog."""
    with open_postgres(url) as engine, engine.connect() as connection:
        _demand_powerless(connection, url)
        connection.rollback()
        connection.execute(text("SET TRANSACTION READ ONLY"))
        connection.execute(text(f"SET LOCAL statement_timeout = {int(seconds * 1000)}"))
        try:
            result = connection.exec_driver_sql(f"SELECT * FROM ({sql.strip().rstrip(';')}\n) AS answer LIMIT {int(limit) + 1}")
            columns, rows = list(result.keys()), [tuple(row) for row in result]
        except DBAPIError as error:
            raise BadInput(f"the query fails: {str(error.orig).strip().splitlines()[0]}", where=sql[:200]) from error
        return Answer(columns, rows[:limit], len(rows) > limit)


def _demand_powerless(connection: Connection, url: str) -> None:
    tables = [*Base.metadata.tables, "conflict", "alembic_version"]
    powers = connection.execute(text(POWERS), {"tables": tables}).mappings().one()
    too_much = [power for power, held in powers.items() if held]
    if too_much:
        database = connection.execute(text("SELECT current_database()")).scalar_one()
        raise Refused(f"the role of this address can do more than read the catalog: it {', '.join(too_much)}", where=url.rpartition("@")[2] or None,
                      hint=f"use a role that can only SELECT: {MAKE_ROLE.format(database=database)}")
