"""Runs the migrations on the connection that `schema_version` gives, inside its transaction."""

from alembic import context

from dovetail_metadata_store.sql.schema import VERSION_TABLE

connection = context.config.attributes["connection"]
context.configure(connection=connection, version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
