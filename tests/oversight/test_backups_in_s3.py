"""Backups in an S3 bucket are restored, checked and deleted like those in a folder."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx2
import pytest

from appoint.database.embedded import Server
from appoint.oversight.backups import service
from appoint.oversight.backups.archive import Archive, open_archive
from appoint.oversight.backups.model import BackupError
from support import s3
from support.app import settings
from support.backups import KEY, migrated_server, origin_of, restore, while_storing
from support.embedded_servers import fetch, folder
from support.processes import free_port

pytestmark = [s3.needs_moto, pytest.mark.xdist_group("backups")]

BUCKET = "backups-of-lakeside"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3.s3_with(BUCKET) as url:
        yield url


@pytest.fixture
def archive(endpoint, monkeypatch) -> Archive:
    s3.use(monkeypatch, endpoint)
    return open_archive(settings(backup_url=f"s3://{BUCKET}/appoint", backup_keys=KEY))


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with folder() as path:
        yield path


@pytest.fixture(scope="module")
def server(place) -> Iterator[Server]:
    with migrated_server(place / "origin") as server:
        yield server


def test_a_backup_in_a_bucket_is_restored_verified_and_replaced(server, place, archive, endpoint):
    origin = origin_of(server)

    async def run() -> datetime:
        await service.back_up(archive, origin, seconds=0.5)
        connection = await asyncpg.connect(server.url)
        await connection.execute("insert into customer (name) values ('Kept')")
        moment = datetime.now(UTC)
        await connection.execute("insert into customer (name) values ('Too late')")
        await connection.close()
        return moment

    moment = asyncio.run(while_storing(archive, origin, run))
    names = []
    restore(
        archive,
        place / "restored",
        lambda _, recovered: names.extend(
            fetch(recovered.url.replace("appoint_serving@", "appoint@"), "select name from customer")
        ),
        to=moment,
    )
    assert names == [("Kept",)]
    assert service.verify(archive, say=lambda _: None) > 0
    listing = httpx2.get(f"{endpoint}/{BUCKET}?list-type=2&prefix=appoint/").text
    assert listing.count("<Key>") == len(asyncio.run(archive.list()))
    assert b"Kept" not in b"".join(
        httpx2.get(f"{endpoint}/{BUCKET}/appoint/{stored.name}").content for stored in asyncio.run(archive.list())
    )
    newest = asyncio.run(while_storing(archive, origin, lambda: service.back_up(archive, origin, seconds=0.5)))
    assert asyncio.run(service.expire(archive, origin, days=0)) > 0
    assert asyncio.run(service.list_moments(archive)).backups == [newest]
    assert service.verify(archive, say=lambda _: None) > 0


def test_an_unreachable_bucket_is_an_error_without_secrets(server, archive, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    unreachable = open_archive(settings(backup_url=f"s3://{BUCKET}/appoint", backup_keys=KEY))
    with pytest.raises(BackupError, match="cannot be listed") as error:
        asyncio.run(unreachable.list())
    assert KEY.partition(":")[2] not in str(error.value)
