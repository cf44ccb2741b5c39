"""Continuous backups of the whole PostgreSQL server, from which any moment can be restored."""
