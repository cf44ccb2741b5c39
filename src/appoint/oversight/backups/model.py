"""The parts of a backup, and which of them are needed to restore a moment.

A stream is the write-ahead log (WAL) of one server, without gaps, in objects that each contain a range of it. It begins
with a new replication slot, so a server that was restored or promoted begins another one. A base backup is a copy of
the server's files. Together with the WAL that follows it, in the same stream, it restores every later moment.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from ...kit.errors import StartupError

INSTANT: Final = "%Y%m%dT%H%M%S.%fZ"
WAL_NAME: Final = re.compile(r"([0-9a-f]{12})/wal/([0-9A-F]{16})-([0-9A-F]{16})-([0-9TZ.]+)\..+")
OBJECT: Final = re.compile(r"([0-9a-f]{12})/(base|wal)/([0-9A-Z.-]+)")
SLOT_PREFIX: Final = "appoint_backup_"


class BackupError(StartupError):
    """A backup cannot be made or restored. The message says why, and names the object."""


class StoredObject(NamedTuple):
    name: str
    size: int
    """The size of the ciphertext, in bytes."""


class WalPiece(NamedTuple):
    """An object with the WAL from `start` up to but not including `end`, both in bytes since the WAL began."""

    start: int
    end: int
    through: datetime
    """The server's time when it sent the end of this piece. All earlier transactions are in this piece or before."""
    object: StoredObject

    @property
    def stream(self) -> str:
        return self.object.name.partition("/")[0]


class Backup(msgspec.Struct, frozen=True):
    """A complete base backup. It is stored last, so an interrupted backup does not have one."""

    stream: str
    id: str
    started_at: datetime
    ended_at: datetime
    """The earliest moment that this backup can restore."""
    start: int
    """A position in the WAL that is not later than the first one needed."""
    end: int
    segment_bytes: int
    database: str
    login: str
    """A login that serves requests, for checking the restored data."""
    is_embedded: bool
    revision: str
    object: str
    """The object with the files, as a gzipped tar archive."""
    size: int
    sha256: str


class RecoveredServer(NamedTuple):
    """A restored server."""

    url: str
    """For a login that serves requests. Works until the server is stopped."""
    last_transaction_at: datetime | None
    """When the last transaction since the base backup was committed, or None if there was none."""


class Slot(NamedTuple):
    """The replication slot that makes the server keep the WAL until it is stored."""

    name: str
    position: int | None
    """The end of the stored WAL, or None if the server has deleted WAL that was not stored."""
    is_active: bool
    segment_bytes: int

    @property
    def stream(self) -> str:
        return self.name.removeprefix(SLOT_PREFIX).partition("_")[0]

    @property
    def timeline(self) -> str:
        return self.name.rpartition("_")[2]


def parse_lsn(text: str) -> int:
    """Return a position in the WAL in bytes. PostgreSQL writes it as two hexadecimal numbers."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def format_lsn(position: int) -> str:
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


def wal_name(stream: str, start: int, end: int, through: datetime) -> str:
    return f"{stream}/wal/{start:016X}-{end:016X}-{through.astimezone(UTC):{INSTANT}}"


def parse_wal(stored: StoredObject) -> WalPiece:
    """Return the piece that an object contains. Raise `BackupError` if the name is not one of ours."""
    match = WAL_NAME.fullmatch(stored.name)
    if match is None:
        raise BackupError(f"{stored.name} is not part of a backup.")
    through = datetime.strptime(match[4], INSTANT).replace(tzinfo=UTC)
    return WalPiece(int(match[2], 16), int(match[3], 16), through, stored)


def select_backup(backups: Iterable[Backup], *, to: datetime | None, id: str | None = None) -> Backup:
    """Return the newest backup that can restore the moment, or the one with this id. Raise `BackupError` if there is
    none."""
    backups = list(backups)
    if not backups:
        raise BackupError("There is no complete backup.")
    if id is not None and not (backups := [backup for backup in backups if backup.id == id]):
        raise BackupError(f"There is no complete backup {id}. `appoint restore --list` lists them.")
    earliest = min(backup.ended_at for backup in backups)
    if to is not None and not (backups := [backup for backup in backups if backup.ended_at <= to]):
        raise BackupError(f"The earliest moment that can be restored is {earliest:%Y-%m-%dT%H:%M:%SZ}.")
    return max(backups, key=lambda backup: backup.ended_at)


class Wal(NamedTuple):
    pieces: list[WalPiece]
    """In order, without gaps. They overlap where WAL was stored twice."""
    end: int
    next: int | None
    """Where the WAL continues after a gap, or None if there is none."""


def follow(pieces: Iterable[WalPiece], backup: Backup) -> Wal:
    """Return the WAL from the beginning of the backup's first segment to the first gap."""
    position = backup.start - backup.start % backup.segment_bytes
    gapless = list[WalPiece]()
    for piece in sorted(pieces):
        if piece.start > position:
            return Wal(gapless, position, piece.start)
        if piece.end > position:
            gapless.append(piece)
            position = piece.end
    return Wal(gapless, position, None)


def latest_moment(pieces: Iterable[WalPiece], backup: Backup) -> datetime:
    wal = follow(pieces, backup)
    return wal.pieces[-1].through if wal.pieces else backup.ended_at


def select_wal(pieces: Iterable[WalPiece], backup: Backup, *, to: datetime | None) -> list[WalPiece]:
    """Return the pieces, in order, that restore the moment or, without one, everything that is stored. Raise
    `BackupError` if WAL is missing.
    """
    wal = follow(pieces, backup)
    latest = f"{latest_moment(wal.pieces, backup):%Y-%m-%dT%H:%M:%SZ}"
    if to is not None and wal.end >= backup.end:
        for number, piece in enumerate(wal.pieces, 1):
            if piece.through > to and piece.end >= backup.end:
                return wal.pieces[:number]
    if wal.next is not None or wal.end < backup.end:
        rest = f"With --to, moments until {latest}" if wal.end >= backup.end else "Nothing in this backup"
        raise BackupError(
            f"The WAL from {format_lsn(wal.end)} to {format_lsn(wal.next or backup.end)} is missing: there is no "
            f"object {backup.stream}/wal/{wal.end:016X}-…. {rest} can be restored."
        )
    if to is not None:
        raise BackupError(f"The latest moment that can be restored is {latest}. To restore everything, leave out --to.")
    return wal.pieces


def select_expired(
    backups: Sequence[Backup], objects: Iterable[StoredObject], *, days: int, now: datetime, live: str | None
) -> list[str]:
    """Return the names of the objects that are not needed to restore any moment in the last `days` days. The newest
    backup never expires. Base backups without a description were interrupted; they expire after two days, because
    one may still be under way. `live` is the stream that is being stored, if any.
    """
    ordered = sorted(backups, key=lambda backup: backup.ended_at)
    # the last backup from before the retention period is needed to restore the period's first moments
    first = max([0, *(n for n, backup in enumerate(ordered) if backup.ended_at <= now - timedelta(days=days))])
    remaining = ordered[first:]
    needed_from = dict[str, int]()
    for backup in remaining:
        needed_from[backup.stream] = min(
            needed_from.get(backup.stream, backup.start), backup.start - backup.start % backup.segment_bytes
        )
    expired = {backup.id for backup in ordered[:first]}
    needed = {backup.id for backup in remaining}
    return [
        stored.name
        for stored in objects
        if not _is_needed(stored, needed_from, needed=needed, expired=expired, now=now, live=live)
    ]


def _is_needed(
    stored: StoredObject,
    needed_from: dict[str, int],
    *,
    needed: set[str],
    expired: set[str],
    now: datetime,
    live: str | None,
) -> bool:
    match = OBJECT.match(stored.name)
    if match is None:  # not ours
        return True
    stream, kind, name = match.groups()
    if kind == "wal":
        if stream not in needed_from:
            return stream == live
        return parse_wal(stored).end > needed_from[stream]
    started_at = datetime.strptime(name.partition("-")[0], INSTANT).replace(tzinfo=UTC)
    return name in needed or (name not in expired and started_at > now - timedelta(days=2))
