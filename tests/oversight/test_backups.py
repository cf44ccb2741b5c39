"""Every moment can be restored from a backup and the WAL after it. Errors name what cannot be restored."""

import asyncio
import random
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import NamedTuple

import asyncpg
import pytest

from appoint.database.embedded import Server
from appoint.database.pool import connect
from appoint.kit.cache import ClinicCache
from appoint.kit.key_ring import new_key
from appoint.oversight.backups import service
from appoint.oversight.backups.model import Backup, BackupError, RecoveredServer
from support.backups import KEY, archive_in, migrated_server, origin_of, restore, while_storing
from support.embedded_servers import fetch, folder
from support.scale import scaled
from support.world import MONDAY, World, at

pytestmark = pytest.mark.xdist_group("backups")

RESTORES = scaled(20, 2)
LOAD_SECONDS = scaled(40.0, 4.0)
CLIENTS = 6


class AcknowledgedBooking(NamedTuple):
    sent_at: datetime
    at: datetime
    id: str


class BackedUpServer(NamedTuple):
    """A server's backup, and the bookings that were made while its WAL was stored."""

    server: Server
    store: Path
    backup: Backup
    bookings: list[AcknowledgedBooking]


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with folder() as path:
        yield path


@pytest.fixture(scope="module")
def server(place) -> Iterator[Server]:
    with migrated_server(place / "origin") as server:
        yield server


@pytest.fixture(scope="module")
def backed_up(server, place) -> BackedUpServer:
    store = place / "store"
    store.mkdir()
    archive, origin = archive_in(store), origin_of(server)

    async def run() -> tuple[Backup, list[AcknowledgedBooking]]:
        db = connect(server.url, size=CLIENTS, wait_seconds=10, statement_seconds=30)
        async with ClinicCache(None) as cache:
            world = await World.make(db, cache)
            doctors = [await world.add_doctor(f"Dr {number}") for number in range(CLIENTS)]
            backup = await service.back_up(archive, origin, seconds=0.5)
            bookings = list[AcknowledgedBooking]()
            await asyncio.gather(*(book(world, doctor, bookings) for doctor in doctors))
        await db.close()
        return backup, bookings

    return BackedUpServer(server, store, *asyncio.run(while_storing(archive, origin, run)))


async def book(world: World, doctor, bookings: list[AcknowledgedBooking]) -> None:
    """Book one appointment after another with this doctor, each for a new customer."""
    end = datetime.now(UTC) + timedelta(seconds=LOAD_SECONDS)
    for number in count():
        day = MONDAY + timedelta(days=number // 96)
        if number % 96 == 0:
            await world.publish(doctor, at(0, day=day), at(0, day=day + timedelta(days=1)))
        customer = await world.add_customer("Ana")
        sent_at = datetime.now(UTC)
        if sent_at > end:
            return
        appointment = await world.book(
            doctor, at(0, day=day) + timedelta(minutes=15 * (number % 96)), customer, minutes=15
        )
        bookings.append(AcknowledgedBooking(sent_at, datetime.now(UTC), str(appointment.id)))


def test_random_moments_are_restored_exactly(backed_up, place):
    archive = archive_in(backed_up.store)
    first, last = backed_up.bookings[0].at, max(booking.at for booking in backed_up.bookings)
    assert len(backed_up.bookings) > 100
    for number in range(RESTORES):
        moment = first + random.Random(number).random() * (last - first)

        def check(_, recovered: RecoveredServer, moment: datetime = moment) -> None:
            present = {str(id) for (id,) in fetch(as_owner(recovered), "select id from appointment")}
            before = {booking.id for booking in backed_up.bookings if booking.at <= moment}
            after = {booking.id for booking in backed_up.bookings if booking.sent_at > moment}
            assert before <= present
            assert not after & present
            assert recovered.last_transaction_at
            assert recovered.last_transaction_at <= moment
            assert service.count_checks(recovered) > 30

        restore(archive, place / f"restored-{number}", check, to=moment)
        shutil.rmtree(place / f"restored-{number}")


def as_owner(recovered: RecoveredServer) -> str:
    return recovered.url.replace("appoint_serving@", "appoint@")


def test_without_a_moment_everything_is_restored(backed_up, place):
    directory = place / "everything"
    counts = []
    restore(
        archive_in(backed_up.store),
        directory,
        lambda _, recovered: counts.append(fetch(as_owner(recovered), "select count(*) from appointment")[0][0]),
    )
    assert counts == [len(backed_up.bookings)]
    with pytest.raises(BackupError, match="not an empty directory"):
        restore(archive_in(backed_up.store), directory)
    with migrated_server(directory) as server:  # it is an ordinary data directory
        assert fetch(server.url, "select count(*) from appointment") == [(len(backed_up.bookings),)]
        assert not (server.data / "restored_wal").exists()


@pytest.mark.parametrize(
    ("pattern", "damage", "message"),
    [
        ("base/*/files.*", "cut", r"base/\S+/files\S+ cannot be restored: \d+ of \d+ bytes are there"),
        ("base/*/files.*", "flip", r"base/\S+/files\S+ cannot be restored: the object has been tampered with"),
        ("base/*/files.*", "delete", r"base/\S+/files\S+ cannot be restored: 0 of \d+ bytes are there"),
        ("wal/*", "cut", r"wal/\S+ cannot be restored: (the object has been tampered with|it is damaged)"),
        ("wal/*", "flip", r"wal/\S+ cannot be restored: the object has been tampered with"),
        ("wal/*", "delete", r"The WAL from \S+ to \S+ is missing: there is no object \S+/wal/"),
        ("wal/*", "swap", r"wal/\S+ cannot be restored: the object has been tampered with"),
        ("base/*/about.*", "flip", r"base/\S+/about\S+ cannot be restored: the object has been tampered with"),
        ("base/*/about.*", "delete", "There is no complete backup"),
    ],
)
def test_damage_is_named_and_leaves_nothing_behind(backed_up, place, pattern, damage, message):
    store = place / "damaged"
    shutil.copytree(backed_up.store, store)
    try:
        files = sorted(store.glob(f"*/{pattern}"))
        file = files[len(files) // 2]
        content = bytearray(file.read_bytes())
        if damage == "delete":
            file.unlink()
        elif damage == "swap":
            file.write_bytes(files[len(files) // 2 + 1].read_bytes())
        elif damage == "cut":
            file.write_bytes(content[: len(content) // 2 // 65552 * 65552 or len(content) // 2])
        else:
            content[len(content) // 2] ^= 1
            file.write_bytes(content)
        with pytest.raises(BackupError, match=message):
            restore(archive_in(store), place / "nothing")
        assert not (place / "nothing").exists()
    finally:
        shutil.rmtree(store)


def test_a_wrong_key_is_named(backed_up, place):
    with pytest.raises(BackupError, match=r"encrypted with a key that is not in APPOINT_BACKUP_KEYS \(fingerprint"):
        restore(archive_in(backed_up.store, f"other:{new_key()}"), place / "nothing")
    both = archive_in(backed_up.store, f"other:{new_key()},{KEY}")
    assert asyncio.run(service.list_moments(both)).backups == [backed_up.backup]


def test_moments_outside_what_is_stored_are_refused(backed_up, place):
    archive, backup = archive_in(backed_up.store), backed_up.backup
    with pytest.raises(BackupError, match=f"earliest moment .* is {backup.ended_at:%Y-%m-%dT%H:%M}"):
        restore(archive, place / "nothing", to=backup.ended_at - timedelta(seconds=1))
    with pytest.raises(BackupError, match=r"latest moment .* leave out --to"):
        restore(archive, place / "nothing", to=datetime.now(UTC) + timedelta(hours=1))


def test_a_quiet_server_is_restored_to_a_moment_after_its_last_transaction(server, place):
    store = place / "quiet"
    store.mkdir()
    archive, origin = archive_in(store), origin_of(server)

    async def run() -> datetime:
        await service.back_up(archive, origin, seconds=0.5)
        connection = await asyncpg.connect(server.url)
        await connection.execute("insert into customer (name) values ('Last')")
        moment = datetime.now(UTC)
        await connection.execute("select pg_logical_emit_message(false, 'test', 'WAL without a transaction')")
        await connection.close()
        await asyncio.sleep(1)
        return moment

    moment = asyncio.run(while_storing(archive, origin, run))
    names = []
    restore(
        archive,
        place / "restored-quiet",
        lambda _, recovered: names.extend(fetch(as_owner(recovered), "select from customer where name = 'Last'")),
        to=moment,
    )
    assert len(names) == 1
