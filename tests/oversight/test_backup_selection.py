"""Which backups and which WAL restore a moment, and which can be deleted."""

from datetime import UTC, datetime, timedelta

import pytest

from appoint.oversight.backups.model import (
    Backup,
    BackupError,
    StoredObject,
    WalPiece,
    format_lsn,
    latest_moment,
    parse_lsn,
    parse_wal,
    select_backup,
    select_expired,
    select_wal,
    wal_name,
)

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
MB = 1024 * 1024
LIVE, OLD = "0123456789ab", "ba9876543210"


def base(day: int, position: int, *, stream: str = LIVE) -> Backup:
    """Return a backup that was made on a day in March, when the WAL had reached the position (in MB)."""
    at = NOON.replace(day=day)
    id = f"{at:%Y%m%dT%H%M%S.%fZ}-{day:08X}"
    return Backup(
        stream=stream,
        id=id,
        started_at=at,
        ended_at=at,
        start=position * MB,
        end=(position + 1) * MB,
        segment_bytes=16 * MB,
        database="appoint",
        login="appoint_serving",
        is_embedded=True,
        revision="0060",
        object=f"{stream}/base/{id}/files.0f0f0f0f.1111",
        size=1,
        sha256="",
    )


def piece(start: int, end: int, through: datetime = NOON, *, stream: str = LIVE) -> WalPiece:
    name = wal_name(stream, start * MB, end * MB, through)
    return parse_wal(StoredObject(f"{name}.0f0f0f0f.{start:016x}", 1))


def objects(backup: Backup) -> list[StoredObject]:
    return [StoredObject(backup.object, 1), StoredObject(backup.object.replace("/files", "/about"), 1)]


def test_positions_are_read_and_written_as_postgresql_writes_them():
    for text in ("0/0", "0/1AF4DD8", "1/0", "A7/FFFFFFFF"):
        assert format_lsn(parse_lsn(text)) == text


def test_an_objects_name_describes_its_piece():
    assert piece(16, 20, NOON + timedelta(microseconds=5))[:3] == (16 * MB, 20 * MB, NOON + timedelta(microseconds=5))
    with pytest.raises(BackupError, match=r"notes\.txt is not part of a backup"):
        parse_wal(StoredObject("notes.txt", 1))


def test_the_newest_backup_before_the_moment_is_selected():
    backups = [base(1, 16), base(2, 32), base(3, 48)]
    assert select_backup(backups, to=None) == backups[2]
    assert select_backup(backups, to=NOON.replace(day=2)) == backups[1]
    assert select_backup(backups, to=None, id=backups[0].id) == backups[0]
    for to, id, message in (
        (NOON.replace(day=1, hour=11), None, "earliest moment that can be restored is 2027-03-01T12:00:00Z"),
        (None, "nonsense", "There is no complete backup nonsense"),
    ):
        with pytest.raises(BackupError, match=message):
            select_backup(backups, to=to, id=id)
    with pytest.raises(BackupError, match="There is no complete backup"):
        select_backup([], to=None)


def test_wal_from_the_backups_segment_to_the_moment_is_selected():
    first, second, again, third = piece(0, 16), piece(16, 20), piece(16, 22), piece(22, 30, NOON + timedelta(hours=1))
    stored = [third, first, again, second]
    assert select_wal(stored, base(1, 18), to=None) == [second, again, third]
    assert select_wal(stored, base(1, 18), to=NOON) == [second, again, third]
    assert select_wal(stored, base(1, 18), to=NOON - timedelta(minutes=1)) == [second]
    assert latest_moment(stored, base(1, 18)) == NOON + timedelta(hours=1)
    with pytest.raises(BackupError, match="latest moment that can be restored is 2027-03-01T13:00:00Z"):
        select_wal(stored, base(1, 18), to=NOON + timedelta(hours=1))


def test_a_gap_in_the_wal_is_named():
    stored = [piece(16, 20), piece(22, 30)]
    with pytest.raises(BackupError, match=r"WAL from 0/1400000 to 0/1600000 is missing.*moments until 2027-03-01T12"):
        select_wal(stored, base(1, 18), to=None)
    assert select_wal(stored, base(1, 18), to=NOON - timedelta(minutes=1)) == stored[:1]
    with pytest.raises(BackupError, match="Nothing in this backup can be restored"):
        select_wal(stored[1:], base(1, 18), to=None)


def test_objects_that_no_moment_needs_expire():
    old, middle, new = base(1, 16, stream=OLD), base(2, 16), base(20, 48)
    wal = [piece(16, 32, stream=OLD), piece(0, 16), piece(16, 32), piece(32, 60)]
    unfinished = base(3, 20)
    foreign = StoredObject("README.txt", 1)
    stored = [
        *(each for backup in (old, middle, new) for each in objects(backup)),
        *(each.object for each in wal),
        objects(unfinished)[0],
        foreign,
    ]

    def expired(days: int) -> set[str]:
        return set(select_expired([new, old, middle], stored, days=days, now=NOON.replace(day=20), live=LIVE))

    forgotten = {*(each.name for each in objects(old)), wal[0].object.name, wal[1].object.name, unfinished.object}
    assert expired(30) == {wal[1].object.name, unfinished.object}
    assert expired(18) == forgotten
    assert expired(1) == forgotten
    before_first = select_expired([], [wal[0].object, wal[2].object], days=1, now=NOON, live=LIVE)
    assert before_first == [wal[0].object.name]
    only = select_expired([old], objects(old), days=1, now=NOON.replace(month=12), live=None)
    assert only == []


def test_a_base_backup_that_is_under_way_is_kept():
    stored = objects(base(20, 48))[:1]
    assert select_expired([], stored, days=1, now=NOON.replace(day=21), live=LIVE) == []
    assert select_expired([], stored, days=1, now=NOON.replace(day=23), live=LIVE) == [stored[0].name]
