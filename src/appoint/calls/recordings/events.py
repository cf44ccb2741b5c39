"""What providers report about recordings."""

import base64
import binascii
import hmac
import re
from datetime import datetime, timedelta
from typing import Final

import msgspec

from ...database.pool import Database
from ...kit.actors import Actor
from ...kit.ids import MAX_CLINIC_ID, clinic_of
from ...kit.key_ring import UnreadableError
from ..providers.model import read_room_name
from ..settings import repository as settings_repository
from . import service

READY: Final = "recording.ready-to-download"
MAX_AGE: Final = timedelta(minutes=5)
MAX_ID_LENGTH: Final = 100
TIMESTAMP: Final = re.compile(r"[0-9]{1,13}", re.ASCII)


class Payload(msgspec.Struct, frozen=True):
    room_name: str = ""
    recording_id: str = ""


class DailyEvent(msgspec.Struct):
    type: str = ""
    payload: Payload = Payload()


class UnsignedError(Exception):
    """The clinic's provider has not signed the event."""


async def receive(
    db: Database,
    actor: Actor,
    body: bytes,
    *,
    clinic_id: int,
    signature: str,
    timestamp: str,
    secret: str,
    now: datetime,
) -> None:
    """Take note of a recording that a clinic's account at Daily reports. Ignore events of other types, and those about
    rooms that are not this clinic's. Raise `UnsignedError`."""
    if clinic_id > MAX_CLINIC_ID:
        raise UnsignedError
    try:
        connection = await settings_repository.find_connection(db.within(clinic_id), clinic_id, "daily")
    except UnreadableError:
        raise UnsignedError from None
    if connection is None or not is_signed(
        body, signature, timestamp=timestamp, secret=connection.webhook_secret, now=now
    ):
        raise UnsignedError
    try:
        event = msgspec.json.decode(body, type=DailyEvent)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    call_id = read_room_name(secret, event.payload.room_name)
    if event.type != READY or call_id is None or clinic_of(call_id) != clinic_id:
        return
    if 0 < len(event.payload.recording_id) <= MAX_ID_LENGTH:
        await service.note_ready(db, actor, call_id=call_id, provider_id=event.payload.recording_id, now=now)


def is_signed(body: bytes, signature: str, *, timestamp: str, secret: str, now: datetime) -> bool:
    """Return whether Daily has signed the body recently. The timestamp is in seconds or milliseconds."""
    if not TIMESTAMP.fullmatch(timestamp):
        return False
    try:
        key = base64.b64decode(secret, validate=True)
        actual = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    seconds = int(timestamp) / (1000 if len(timestamp) > 11 else 1)
    expected = hmac.digest(key, timestamp.encode() + b"." + body, "sha256")
    is_recent = abs(now.timestamp() - seconds) <= MAX_AGE.total_seconds()
    return bool(key) and is_recent and hmac.compare_digest(actual, expected)
