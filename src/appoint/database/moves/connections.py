"""Connections to the two databases, as their owners."""

from typing import Any

import asyncpg

from ..connector import LOST
from .model import MoveFailed


async def connect(url: str, *, which: str) -> Any:
    """Connect with settings under which equal rows have equal texts. Raise `MoveFailed` if that is impossible."""
    try:
        return await asyncpg.connect(
            url,
            timeout=10,
            command_timeout=None,
            server_settings={
                "application_name": "appoint move",
                "timezone": "UTC",
                "datestyle": "ISO, MDY",
                "intervalstyle": "postgres",
                "bytea_output": "hex",
                "extra_float_digits": "1",
            },
        )
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = str(error).split("\n", 1)[0] or type(error).__name__
        raise MoveFailed(f"The database of the {which} cannot be used: {reason}") from error


async def close(connection: Any) -> None:
    """Close a connection, even if its server does not respond."""
    try:
        await connection.close(timeout=5)
    except (asyncpg.PostgresError, *LOST):
        connection.terminate()
