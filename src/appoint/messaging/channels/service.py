"""Read the development mailbox."""

from ...database.pool import Statements
from ...kit import errors
from . import repository
from .model import DevMessage


async def list_newest(db: Statements, *, limit: int) -> list[DevMessage]:
    """Return the latest messages, newest first, each with only the beginning of its text."""
    return await repository.list_newest(db, limit=limit)


async def get(db: Statements, id: int) -> DevMessage:
    """Return a message. Raise `NotFound`."""
    if message := await repository.find(db, id):
        return message
    raise errors.NotFound
