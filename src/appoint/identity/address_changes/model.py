"""New addresses whose codes have not been entered yet."""

from typing import Final
from uuid import UUID

import msgspec

from ...messaging.channels.model import Channel

PURPOSE: Final = "address"
MAX_ATTEMPTS: Final = 5


class PendingAddress(msgspec.Struct, frozen=True):
    """A new email address or phone number, and the code sent to it."""

    id: UUID
    """The code's id."""
    channel: Channel
    address: str
