"""Ids that contain their clinic: UUID version 8 = clinic (32 bits) · milliseconds (48) · microseconds (10) · random
(32)."""

import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

PLATFORM: Final = 0
"""The clinic id of data that belongs to no clinic."""
MAX_CLINIC_ID: Final = 2**31 - 1
CLINICS_PER_CELL: Final = 2**20


def new_id(clinic_id: int) -> UUID:
    """Return a new id for the clinic. A clinic's ids sort by creation time.

    The database's `mint_id` creates ids with the same layout.
    """
    ms, us = divmod(time.time_ns() // 1000, 1000)
    return compose_id(clinic_id, ms, us << 32 | secrets.randbits(32))


def compose_id(clinic_id: int, ms: int, bits: int) -> UUID:
    """Return the id with the given millisecond and remaining 42 bits, for callers that need a reproducible id."""
    high = (ms >> 32) << 16 | 0x8 << 12 | (ms >> 20) & 0xFFF
    low = 0b10 << 62 | (ms & 0xFFFFF) << 42 | bits
    return UUID(int=clinic_id << 96 | high << 64 | low)


def minted_in(clinic_id: int) -> int:
    """Return the number of the cell that created the clinic. Each cell has a block of numbers for new clinics."""
    return clinic_id // CLINICS_PER_CELL


def smallest_uuid7(since: datetime) -> UUID:
    """Return a lower bound for all version 7 UUIDs created at or after `since`. They begin with their creation time."""
    milliseconds = max(since - datetime(1970, 1, 1, tzinfo=UTC), timedelta()) // timedelta(milliseconds=1)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62)


def clinic_of(id: UUID) -> int:
    """Return the clinic that an id belongs to, or `PLATFORM` for an id without a clinic."""
    clinic_id = id.int >> 96
    return clinic_id if clinic_id <= MAX_CLINIC_ID else PLATFORM
