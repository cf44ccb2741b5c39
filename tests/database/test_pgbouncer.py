"""Requests through Debian's PgBouncer in transaction mode, where no session belongs to a server process."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from urllib.parse import urlsplit, urlunsplit

import httpx2
import pytest

from appoint.database import logins
from appoint.database.pooled import Pooled, connect
from appoint.kit.errors import StartupError
from appoint.server import app as application
from appoint.server import startup, worker
from support.app import ADMIN, TOKEN, client_of, settings
from support.database import as_superuser
from support.poolers import SESSIONS, pgbouncer
from support.processes import eventually_async
from support.races import VIOLATIONS, add_customers, appointment_body, free_doctor, outcomes_of
from support.world import create_clinic

pytestmark = pytest.mark.xdist_group("pgbouncer")
"""One worker runs all of these tests, so that PgBouncer starts only once."""
PASSWORD = "dR7-qmW2x_Jc0Lz9TfVb4yKs8NaHu1Pe"


@pytest.fixture(scope="module")
def urls(database_url: str, worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The pooler's URL and the direct one, with the same login."""
    login = f"pooled_{worker_id}"
    parts = urlsplit(database_url)
    direct = urlunsplit(parts._replace(netloc=f"{login}:{PASSWORD}@{parts.netloc.rpartition('@')[2]}"))
    asyncio.run(logins.prepare(database_url, direct))
    folder = tmp_path_factory.mktemp("pgbouncer")
    with pgbouncer(database_url, folder, login, PASSWORD) as pooler:
        yield pooler, direct
    asyncio.run(as_superuser(database_url, f"drop role {login}"))


@pytest.fixture
async def pooled(db, urls: tuple[str, str]) -> AsyncIterator[Pooled]:
    pooled = connect(urls[0], size=16, wait_seconds=10, statement_seconds=20, lock_seconds=2, prepares=False)
    yield pooled
    await pooled.close()


@pytest.fixture
async def servers(db, urls: tuple[str, str]) -> AsyncIterator[list[httpx2.AsyncClient]]:
    """Two servers behind the pooler, with a clinic."""
    pooler, direct = urls
    async with AsyncExitStack() as stack:
        servers = []
        for _ in range(2):
            behind = settings(database_url=pooler, database_direct_url=direct, pool_size=20)
            app = application.create(behind, database_url=direct, admin_token=TOKEN)
            servers.append(await stack.enter_async_context(client_of(app, headers=ADMIN)))
        await create_clinic(servers[0])
        yield servers


async def test_only_one_of_40_bookings_of_the_same_time_succeeds_through_the_pooler(db, servers):
    doctor_id, _ = await free_doctor(servers[0])
    customers = await add_customers(db, 40)
    outcomes = await outcomes_of(
        *(
            servers[number % 2].post("/api/appointments", json=appointment_body(doctor_id, customer_id))
            for number, customer_id in enumerate(customers)
        )
    )
    assert Counter(outcomes) == {"201": 1, "taken": 39}
    assert await db.fetchval(VIOLATIONS) == 0


async def test_an_appointment_is_booked_and_cancelled_and_the_worker_relays_both_events(db, urls, servers):
    doctor_id, _ = await free_doctor(servers[0])
    (customer_id,) = await add_customers(db, 1)
    booked = await servers[0].post("/api/appointments", json=appointment_body(doctor_id, customer_id))
    cancelled = await servers[1].delete(f"/api/appointments/{booked.json()['id']}")
    assert (booked.status_code, cancelled.status_code) == (201, 204)
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(settings(), urls[1], stop))

    async def relayed() -> bool:
        return (
            await db.fetchval("select count(*) from event_log where type ~ '^appointment[.](booked|cancelled)$'") == 2
        )

    await eventually_async(relayed)
    stop.set()
    await running


async def test_a_change_at_one_server_reaches_the_other_servers_cache(servers):
    first, second = servers
    assert (await second.get("/api/clinics/1")).json()["name"] != "Harbour"
    change = {"name": "Harbour"}
    headers = {"Content-Type": "application/merge-patch+json"}
    assert (await first.patch("/api/clinics/1", json=change, headers=headers)).status_code == 200

    async def renamed() -> bool:
        return (await second.get("/api/clinics/1")).json()["name"] == "Harbour"

    await eventually_async(renamed)


async def test_no_role_or_setting_reaches_the_next_transaction(pooled):
    """Many more transactions than sessions run at once, and each sees its own settings."""
    read = (
        "select array[current_user::text, current_setting('appoint.clinic_id', true), current_setting('lock_timeout')]"
    )

    async def read_with(db: object, expected: list[str | None]) -> None:
        values = await db.fetchval(read)  # type: ignore[attr-defined]
        assert [value or None for value in values] == expected

    await asyncio.gather(
        *(
            task
            for number in range(10 * SESSIONS)
            for task in (
                read_with(pooled, ["appoint_server", None, "2s"]),
                read_with(pooled.across(), ["appoint_across", None, "2s"]),
                read_with(pooled.within(number + 1), ["appoint_server", str(number + 1), "2s"]),
            )
        )
    )


def test_the_direct_url_needs_a_poolers_url():
    with pytest.raises(StartupError, match="without APPOINT_DATABASE_URL"):
        startup.check_settings(settings(database_direct_url="postgresql://appoint@127.0.0.1/appoint"))


def test_everything_but_requests_uses_the_direct_url():
    both = settings(database_url="postgresql://pooler/appoint", database_direct_url="postgresql://direct/appoint")
    with startup.database(both, say=print) as database:
        assert (database.url, database.owner_url) == ("postgresql://direct/appoint", "postgresql://direct/appoint")
