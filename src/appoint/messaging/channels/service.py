"""The channels that are available, and the development mailbox."""

from ...database.pool import Statements
from ...kit import errors
from ...settings import Settings
from . import repository
from .model import Channel, DevMessage


def available_channels(settings: Settings) -> list[Channel]:
    """Return the channels on which messages can be sent: those with a provider and, in development, all."""
    providers: dict[Channel, object] = {"email": settings.smtp_url, "sms": settings.sms_url}
    return [channel for channel, url in providers.items() if url or settings.mode == "development"]


async def list_newest(db: Statements, *, limit: int) -> list[DevMessage]:
    """Return the latest messages, newest first, each with only the beginning of its text."""
    return await repository.list_newest(db, limit=limit)


async def get(db: Statements, id: int) -> DevMessage:
    """Return a message. Raise `NotFound`."""
    if message := await repository.find(db, id):
        return message
    raise errors.NotFound
