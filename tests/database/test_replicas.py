"""Stale reads from a streaming replica, and current reads for callers who have changed something."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from itertools import count
from urllib.parse import urlsplit

import asyncpg
import httpx2
import pytest
from prometheus_client import REGISTRY

from appoint.clinics.catalogue import service as catalogues
from appoint.database import replicas
from appoint.database.pool import SERVER, Database, connect
from appoint.database.replicas import PRIMARY, Replica, Replicas
from appoint.http.positions import CHANGE_COOKIE
from appoint.kit.cache import ClinicCache
from appoint.kit.errors import StartupError, Unavailable
from appoint.server import app as application
from appoint.server import startup
from support.app import ADMIN, TOKEN, client_of, connected_client, settings
from support.database import temporary
from support.processes import eventually_async
from support.races import DAY, VIOLATIONS, add_customers, appointment_body, free_doctor
from support.replication import ReplicatedServer, replicated
from support.world import create_appointment_type, create_clinic

pytestmark = pytest.mark.xdist_group("replication")
"""One worker runs all of these tests, so that the servers start only once."""
CONNECTIONS = {"wait_seconds": 10, "statement_seconds": 20}


@pytest.fixture(scope="module")
def pair() -> Iterator[ReplicatedServer]:
    with replicated() as pair:
        yield pair


@pytest.fixture
async def primary(pair: ReplicatedServer) -> AsyncIterator[Database]:
    db = connect(pair.url, size=4, **CONNECTIONS)
    await db.execute("select testing.reset()")
    await eventually_async(pair.is_current)
    yield db
    await db.close()


@pytest.fixture
async def app(pair: ReplicatedServer, primary: Database):
    yield application.create(
        settings(replica_urls=pair.replica_url), database_url=pair.url, admin_token=TOKEN, connect=connect
    )
    await pair.resume()


@pytest.fixture
async def admin(app) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(app, base_url="https://testserver.local", headers=ADMIN) as admin:
        await create_clinic(admin)
        yield admin


@pytest.fixture
async def stranger(app, admin) -> AsyncIterator[httpx2.AsyncClient]:
    async with connected_client(app, base_url="https://testserver.local", address="203.0.113.7") as stranger:
        yield stranger


class Diary:
    """A doctor's free times on one day, one of which an administrator books."""

    def __init__(self, doctor_id: str, customer_id: str, admin: httpx2.AsyncClient) -> None:
        self.address = f"/api/doctors/{doctor_id}/availability?date={DAY.date()}"
        self.body = appointment_body(doctor_id, customer_id)
        self.admin = admin

    async def book(self) -> httpx2.Response:
        booked = await self.admin.post("/api/appointments", json=self.body)
        assert booked.status_code == 201, booked.text
        return booked

    async def is_booked(self, client: httpx2.AsyncClient, **headers: str) -> bool:
        """Return whether the booked time has disappeared from the free times that the client sees."""
        response = await client.get(self.address, headers=headers)
        assert response.status_code == 200, response.text
        (day,) = response.json()["days"]
        return not any(slot["startTime"].startswith(f"{DAY:%Y-%m-%dT%H:%M}") for slot in day["slots"])


@pytest.fixture
async def diary(pair: ReplicatedServer, primary: Database, admin: httpx2.AsyncClient) -> Diary:
    """A diary that the replica has."""
    doctor_id, _ = await free_doctor(admin)
    (customer_id,) = await add_customers(primary, 1)
    await eventually_async(pair.is_current)
    return Diary(doctor_id, customer_id, admin)


def reads_by(target: str) -> float:
    return REGISTRY.get_sample_value("appoint_stale_reads_total", {"target": target}) or 0


def name_of(pair: ReplicatedServer) -> str:
    return replicas.place_of(pair.replica_url)


async def expect_from_replica(pair: ReplicatedServer, client: httpx2.AsyncClient, address: str, **headers: str) -> None:
    """Request the address until the replica has served it. On a busy machine, the replica may respond too late."""

    async def is_from_replica() -> bool:
        before = reads_by(name_of(pair))
        response = await client.get(address, headers=headers)
        assert response.status_code == 200, response.text
        return reads_by(name_of(pair)) > before

    await eventually_async(is_from_replica)


async def test_reads_that_may_be_old_go_to_the_replica(pair, admin, stranger, diary):
    type_id = await create_appointment_type(admin)
    await eventually_async(pair.is_current)
    addresses = (
        diary.address,
        "/api/clinics",
        "/api/clinics/1/doctors",
        "/api/clinics/1/appointmentTypes",
        "/api/clinics/search?q=Ana",
        f"/api/availability/search?date={DAY.date()}",
        "/",
        "/suggestions?q=Ana",
        f"/c/1/times?type={type_id}",
    )
    for address in addresses:
        await expect_from_replica(pair, stranger, address)
    for address in ("/api/clinics/1/audit", "/api/audit"):
        await expect_from_replica(pair, admin, address, **{"Appoint-At-Least": "0/0"})
    text = (await admin.get("/metrics", headers={"Cache-Control": "no-cache"})).text
    assert f'appoint_replica_lag_seconds{{replica="{name_of(pair)}"}}' in text


async def test_a_read_is_never_more_than_two_seconds_old(pair, primary, stranger, diary):
    await pair.pause()
    await diary.book()
    booked_at = time.monotonic()
    taken = await stranger.post("/api/appointments", json=diary.body)
    assert taken.status_code != 201
    stranger.cookies.clear()
    read_at = time.monotonic()
    while not await diary.is_booked(stranger):
        assert read_at - booked_at < replicas.MAX_AGE_SECONDS
        await asyncio.sleep(0.05)
        read_at = time.monotonic()

    async def is_reported() -> bool:
        return "s old" in ((await diary.admin.get("/readyz")).json()["parts"]["replicas"]["detail"] or "")

    await eventually_async(is_reported)
    await pair.resume()
    await expect_from_replica(pair, stranger, diary.address)
    assert await primary.fetchval(VIOLATIONS) == 0


async def test_callers_who_have_sent_a_change_read_from_the_primary(pair, stranger, diary):
    await pair.pause()
    await diary.book()
    assert await diary.is_booked(diary.admin), "a caller with a token"
    refused = await stranger.post("/api/appointments", json={})
    assert refused.status_code == 400
    assert CHANGE_COOKIE in stranger.cookies
    before = reads_by(name_of(pair))
    assert await diary.is_booked(stranger)
    assert reads_by(name_of(pair)) == before


async def test_a_read_includes_the_position_that_its_caller_asks_for(pair, stranger, diary):
    position = (await diary.book()).headers["Appoint-Position"]
    assert await diary.is_booked(stranger, **{"Appoint-At-Least": position})
    await expect_from_replica(pair, stranger, diary.address, **{"Appoint-At-Least": position})
    await pair.pause()
    changed = await diary.admin.delete("/api/clinics/1/doctors/x")
    cancelled = await diary.admin.post("/api/clinics", json={"name": "Harbour", "timeZone": "Europe/Berlin"})
    assert (changed.status_code, cancelled.status_code) == (404, 201)
    before = reads_by(PRIMARY)
    clinics = await stranger.get("/api/clinics", headers={"Appoint-At-Least": cancelled.headers["Appoint-Position"]})
    assert "Harbour" in clinics.text
    assert reads_by(PRIMARY) > before
    malformed = await stranger.get("/api/clinics", headers={"Appoint-At-Least": "yesterday"})
    assert (malformed.status_code, malformed.json()["errors"][0]["pointer"]) == (400, "Appoint-At-Least")


async def test_a_cache_is_never_filled_from_a_replica(pair, primary, admin):
    own = connect(pair.url, size=1, role=SERVER, **CONNECTIONS)
    followed = Replicas(own, [Replica("replica", connect(pair.replica_url, size=2, role=SERVER, **CONNECTIONS))])
    async with followed.following(), ClinicCache(None) as cache:
        await pair.pause()
        await primary.execute("update clinic set name = 'Harbour'")
        reader = followed.reader(primary, caller="a")
        assert (await catalogues.get(reader, cache, 1)).name == "Harbour"
    await own.close()


async def test_a_new_doctor_has_free_times_at_once_although_the_replica_lacks_them(pair, stranger, diary):
    """The cached catalogue comes from the primary, so it can be newer than the replica's data."""
    await pair.pause()
    doctor_id, _ = await free_doctor(diary.admin)
    response = await stranger.get(f"/api/doctors/{doctor_id}/availability?date={DAY.date()}")
    assert response.status_code == 200
    assert response.json()["days"][0]["slots"]


async def test_users_notice_nothing_when_a_replica_dies_or_hangs(pair, stranger, diary):
    statuses: set[int] = set()
    stop = asyncio.Event()

    async def read() -> None:
        for number in count():
            if stop.is_set():
                return
            address = diary.address if number % 2 else "/api/clinics"
            statuses.add((await stranger.get(address)).status_code)

    async def is_used() -> bool:
        return (await diary.admin.get("/readyz")).json()["parts"]["replicas"]["ok"]

    async def is_unused() -> bool:
        return not await is_used()

    readers = [asyncio.create_task(read()) for _ in range(4)]
    await eventually_async(is_used)
    pair.signal_replica(signal.SIGSTOP)
    await eventually_async(is_unused)
    pair.signal_replica(signal.SIGCONT)
    await eventually_async(is_used)
    pair.kill_replica()
    await eventually_async(is_unused)
    await asyncio.to_thread(pair.replica.start)
    await eventually_async(is_used)
    stop.set()
    await asyncio.gather(*readers)
    assert statuses == {200}


async def test_a_repeated_booking_waits_for_the_synchronous_standby(pair, primary, admin):
    """The first request may have given up waiting, and a standby that takes over may not have what it wrote."""
    (customer_id,), (doctor_id, _) = await add_customers(primary, 1), await free_doctor(admin)
    body, headers = appointment_body(doctor_id, customer_id), {"Idempotency-Key": "repeated"}
    book = partial(admin.post, "/api/appointments", json=body, headers=headers)
    first = await book()
    repeated: list[asyncio.Task[httpx2.Response]] = []

    async def waits() -> bool:
        repeated.append(asyncio.create_task(book()))
        done, _ = await asyncio.wait(repeated[-1:], timeout=0.5)
        return not done

    try:
        await pair.wait_for_standby("missing")
        await eventually_async(waits)
    finally:
        await pair.wait_for_standby("")
    response = await repeated[-1]
    assert (response.headers["Idempotent-Replayed"], response.json()["id"]) == ("true", first.json()["id"])


@pytest.fixture(scope="module")
def other_url(server_url: str, worker_id: str) -> Iterator[str]:
    with temporary(server_url, f"other_{worker_id}") as url:
        yield url


async def test_another_database_is_not_mistaken_for_a_replica(db, database_url, other_url):
    own = connect(database_url, size=1, role=SERVER, **CONNECTIONS)
    other = Replica("other", connect(other_url, size=1, role=SERVER, **CONNECTIONS))
    followed = Replicas(own, [other])
    async with followed.following():
        assert followed.fault_of(other) == "it is not a replica of this database"
        assert await followed.reader(db, caller="a").fetchval("select current_database()") == urlsplit(
            database_url
        ).path.removeprefix("/")
    await own.close()


async def test_a_stale_read_cannot_change_anything(db):
    for reader in (db.within(1).read_only(), db.across().read_only()):
        with pytest.raises(Unavailable) as error:
            await reader.execute("update clinic set name = 'Harbour'")
        assert isinstance(error.value.__cause__, asyncpg.ReadOnlySQLTransactionError)


@pytest.mark.parametrize(
    "urls", ["replica", "redis://127.0.0.1/0", "postgresql://a:secret@127.0.0.1/appoint, postgresql://b:secret@[::1"]
)
def test_a_bad_url_is_a_clear_error_without_passwords(urls):
    with pytest.raises(StartupError, match=r"APPOINT_REPLICA_URLS is invalid: URL \d of") as error:
        startup.check_settings(settings(replica_urls=urls))
    assert "secret" not in str(error.value)
