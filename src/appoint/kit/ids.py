"""Ids that say where they live: UUID version 8 = clinic (32 bits) · milliseconds (48) · random (42)."""

import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

PLATFORM: Final = 0
"""The number that stands where a clinic's would, for what belongs to no clinic."""
LARGEST_CLINIC: Final = 2**31 - 1


def new_id(clinic_id: int) -> UUID:
    """A new id of the clinic; ids of one clinic sort by the time they were made. The database's `mint_id` makes them by
    the same rule."""
    return composed(clinic_id, time.time_ns() // 1_000_000, secrets.randbits(42))


def composed(clinic_id: int, ms: int, bits: int) -> UUID:
    """An id by its parts, for who needs the same one again: the millisecond it is of, and 42 bits that tell it from
    others of that millisecond."""
    high = (ms >> 32) << 16 | 0x8 << 12 | (ms >> 20) & 0xFFF
    low = 0b10 << 62 | (ms & 0xFFFFF) << 42 | bits
    return UUID(int=clinic_id << 96 | high << 64 | low)


def first_from(since: datetime) -> UUID:
    """No UUID of version 7, which begin with their millisecond, is smaller that is made from then on."""
    milliseconds = max(since - datetime(1970, 1, 1, tzinfo=UTC), timedelta()) // timedelta(milliseconds=1)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62)


def clinic_of(id: UUID) -> int:
    """The clinic that an id belongs to, or `PLATFORM`, which has no rows of clinics, for an id that can be no clinic's."""
    clinic_id = id.int >> 96
    return clinic_id if clinic_id <= LARGEST_CLINIC else PLATFORM
