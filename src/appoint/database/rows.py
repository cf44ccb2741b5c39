"""Rows from the database as structs."""

from typing import Any, TypeVar

import asyncpg
import msgspec

T = TypeVar("T")


class Row(asyncpg.Record):
    """A row with its columns as attributes, so that `msgspec.convert(…, from_attributes=True)` returns a struct."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def to(type: type[T], row: Row, **values: object) -> T:
    """Return the row as a struct whose fields have the same names as the columns, except that the given values replace
    those in the row."""
    struct: Any = msgspec.convert(row, type, from_attributes=True)
    return msgspec.structs.replace(struct, **values) if values else struct


def affected(tag: str) -> int:
    """Return the number of rows from PostgreSQL's command tag, such as `DELETE 3`."""
    return int(tag.rsplit(" ", 1)[-1])


def violates(error: asyncpg.PostgresError, *constraints: str) -> bool:
    """Return whether one of the constraints caused the error. Compares only the prefix, because on a shard a number
    follows the name.
    """
    return (error.constraint_name or "").startswith(constraints)
