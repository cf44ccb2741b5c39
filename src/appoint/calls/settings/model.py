"""A clinic's call settings."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from ..providers.model import Connection, Gateway


class StoredSettings(NamedTuple):
    """The clinic's settings, with the connection decrypted."""

    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    gateway: Gateway
    connection: Connection | None
