"""How much callers may ask, and how often they may guess."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import httpx2
import msgspec
import pytest
from pydantic import ValidationError

from appoint.http.access import COOKIE
from appoint.http.rate_limits import counters, redis_counters, sign_in_throttle
from appoint.http.rate_limits.counters import Counters, Rate, rates
from appoint.http.rate_limits.limits import Limits, network
from appoint.http.routes import Route
from appoint.kit import clock, errors
from appoint.kit.actors import Actor, Membership, Role
from support.app import ADMIN, composed, settings
from support.processes import appoint, redis_server
from support.staff import add_user, sign_in, works_at

NINE = datetime(2027, 3, 1, 9, 0, 0, tzinfo=UTC)


@pytest.fixture
def time_stands(monkeypatch):
    """The clock, which a test moves."""
    now = SimpleNamespace(now=NINE)
    monkeypatch.setattr(clock, "now", lambda: now.now)
    return now


@asynccontextmanager
async def asking(database_url, address="192.0.2.1", **changed) -> AsyncIterator[httpx2.AsyncClient]:
    app = composed(database_url, rate_limits=True, **changed)
    async with app.lifespan():
        transport = httpx2.ASGITransport(app, client=(address, 1234))
        async with httpx2.AsyncClient(transport=transport, base_url="http://testserver.local", timeout=60) as client:
            client.app = app
            yield client


@asynccontextmanager
async def from_address(client, address):
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(client.app, client=(address, 1)), base_url="http://testserver.local"
    ) as other:
        yield other


def left(answer) -> tuple[str, ...]:
    return tuple(answer.headers[f"RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset", "Policy"))


async def test_answers_say_what_is_left_until_nothing_is(db, database_url, time_stands):
    async with asking(database_url, requests_rate="2/minute") as client:
        time_stands.now += timedelta(seconds=20)
        first, second, third = [await client.get("/api/clinics") for _ in range(3)]
        assert [answer.status_code for answer in (first, second, third)] == [200, 200, 429]
        assert [left(answer) for answer in (first, second, third)] == [
            ("2", "1", "40", "2;w=60"),
            ("2", "0", "40", "2;w=60"),
            ("2", "0", "40", "2;w=60"),
        ]
        assert (third.json()["type"], third.headers["Retry-After"]) == ("/problems/too-many-requests", "40")
        assert 'appoint_limited_total{limit="requests"}' in (await client.get("/metrics")).text
        time_stands.now += timedelta(seconds=40)
        assert (await client.get("/api/clinics")).status_code == 200


async def test_kinds_of_requests_are_counted_apart_and_so_are_addresses(db, database_url, time_stands):
    async with asking(
        database_url, requests_rate="1/minute", search_rate="1/minute", registrations_rate="1/hour"
    ) as client:
        search = "/api/availability/search?date=2027-03-02"
        asked = [
            await client.get("/api/clinics"),
            await client.get(search),
            await client.post("/api/customers", json={"name": "Ana"}),
        ]
        assert [answer.status_code for answer in asked] == [200, 200, 201]
        asked = [
            await client.get("/api/clinics"),
            await client.get(search),
            await client.post("/api/customers", json={"name": "Ana"}),
        ]
        assert [answer.status_code for answer in asked] == [429] * 3
        async with from_address(client, "192.0.2.2") as other:
            assert (await other.get("/api/clinics")).status_code == 200


async def test_another_agent_is_no_way_around(db, database_url, time_stands):
    async with asking(database_url, requests_rate="1/minute") as client:
        statuses = [
            (await client.get("/api/clinics", headers={"User-Agent": agent})).status_code for agent in ("one", "two")
        ]
        assert statuses == [200, 429]


async def test_the_administrator_asks_as_much_as_needed(db, database_url, time_stands):
    async with asking(database_url, requests_rate="1/minute") as client:
        answers = [await client.get("/api/clinics", headers=ADMIN) for _ in range(3)]
        assert [(answer.status_code, "RateLimit-Limit" in answer.headers) for answer in answers] == [(200, False)] * 3


STAFF = Actor("user:1", user_id=UUID(int=1), memberships=(Membership(1, Role.RECEPTIONIST),))
PATIENT = Actor("patient:1", customer_id=UUID(int=1), address="192.0.2.1")
PARTNER = Actor("key:1", memberships=(Membership(1, Role.PARTNER),))
OWN = Actor("key:2", memberships=(Membership(1, Role.PARTNER),), requests_per_minute=7)


@pytest.mark.parametrize(
    ("caller", "permission", "expected"),
    [
        (STAFF, "public", None),
        (STAFF, "book", None),
        (PATIENT, "public", 120),
        (PATIENT, "book", 30),
        (PARTNER, "book", 600),
        (PARTNER, "public", 600),
        (OWN, "book", 7),
        (Actor("open:1", address="192.0.2.1"), "public", 240),
        (Actor("open:1", address="192.0.2.1"), "sign-in", 20),
    ],
)
async def test_who_asks_decides_how_much(caller, permission, expected):
    limits = Limits(settings(rate_limits=True), Counters(None, "secret"))
    request = SimpleNamespace(scope={"state": {}})
    await limits.admit(request, caller, Route(permission=permission))
    assert dict(request.scope["state"].get("limit", ())).get(b"ratelimit-limit") == (
        None if expected is None else str(expected).encode()
    )


@pytest.mark.parametrize("caller", [STAFF, PARTNER, OWN, PATIENT])
async def test_signing_in_is_counted_by_address_whoever_has_signed_in_already(caller):
    limits = Limits(settings(rate_limits=True, sign_in_rate="1/minute"), Counters(None, "secret"))
    declared = Route(permission="sign-in")
    await limits.admit(
        SimpleNamespace(scope={"state": {}}), msgspec.structs.replace(caller, address="192.0.2.1"), declared
    )
    with pytest.raises(errors.TooMany):
        await limits.admit(SimpleNamespace(scope={"state": {}}), Actor("open:1", address="192.0.2.1"), declared)
    await limits.admit(
        SimpleNamespace(scope={"state": {}}), msgspec.structs.replace(caller, address="192.0.2.2"), declared
    )


async def test_neither_staffs_token_nor_their_cookie_lets_anybody_guess_more(db, database_url, time_stands):
    """Each guess is at another account, so that it is the rate of sign-ins that stops them, by the API and by the page
    alike."""
    await works_at(
        db,
        await add_user(db),
        await db.fetchval("insert into clinic (name, time_zone) values ('Lakeside', 'Europe/Berlin') returning id"),
    )
    async with asking(database_url, sign_in_rate="4/minute") as client:
        signed_in = (await sign_in(client)).json()["token"]
        ways = [{"Authorization": f"Bearer {signed_in}"}, {"Cookie": f"{COOKIE}={signed_in}"}]
        for each in ways:
            assert (await client.get("/api/account", headers=each)).status_code == 200
        guesses = [
            await client.post(
                "/api/sessions", json={"email": "one@example.org", "password": "a guess of theirs"}, headers=ways[0]
            ),
            await client.post(
                "/api/sessions", json={"email": "two@example.org", "password": "a guess of theirs"}, headers=ways[1]
            ),
            await client.post(
                "/staff/sign-in", data={"email": "three@example.org", "password": "a guess of theirs"}, headers=ways[1]
            ),
            await client.post(
                "/api/sessions", json={"email": "four@example.org", "password": "a guess of theirs"}, headers=ways[0]
            ),
            await client.post(
                "/staff/sign-in", data={"email": "five@example.org", "password": "a guess of theirs"}, headers=ways[1]
            ),
        ]
        assert [answer.status_code for answer in guesses] == [401, 401, 401, 429, 429]
        assert (await client.get("/api/account", headers=ways[0])).status_code == 200


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::"),
        ("2001:db8:1:3::9", "2001:db8:1:3::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::"),
        ("not:an:address", "not:an:address"),
        (None, ""),
    ],
)
def test_of_an_ipv6_address_the_network_counts(address, expected):
    assert network(address) == expected


async def test_wrong_credentials_are_not_looked_up_without_end_and_right_ones_always_are(db, database_url, time_stands):
    async with asking(database_url) as client:
        client.app.state.services.identities["tst_"] = known
        answers = [await client.get("/api/customers", headers={"Authorization": "Bearer tst_right"})]
        answers += [await client.get("/api/customers", headers={"Authorization": f"Bearer tst_{n}"}) for n in range(31)]
        assert [answer.status_code for answer in answers] == [200, *[401] * 30, 429]
        assert (await client.get("/api/customers", headers={"Authorization": "Bearer tst_right"})).status_code == 200
        assert (await client.get("/api/customers", headers=ADMIN)).status_code == 200
        async with from_address(client, "192.0.2.2") as other:
            assert (await other.get("/api/customers", headers={"Authorization": "Bearer tst_0"})).status_code == 401


async def known(connection, token):
    return Actor("test", administrator=True) if token == "tst_right" else None


def test_production_needs_limits():
    with pytest.raises(ValidationError, match="production mode needs limits"):
        settings(mode="production", rate_limits=False)


async def test_a_process_keeps_so_many_counters_and_no_more(monkeypatch):
    monkeypatch.setattr(counters, "ENTRIES", 100)
    kept = Counters(None, "secret")
    for number in range(1000):
        kept.add_here("requests", str(number), Rate(10, 60), NINE)
    assert len(kept._kept) <= 100
    kept.add_here("requests", "999", Rate(10, 60), NINE)
    assert kept.count_here("requests", "999", Rate(10, 60), NINE).number == 2


# signing in


def guesser(kept: Counters, address: str):
    """Somebody at an address, as attempts see them."""
    limits = Limits(settings(), kept)
    return SimpleNamespace(
        app=SimpleNamespace(state=SimpleNamespace(services=SimpleNamespace(limits=limits))),
        user=Actor("open:1", address=address),
    )


async def waits(kept, address, account, now) -> int:
    """0 when the attempt is admitted; else the seconds to wait."""
    try:
        await sign_in_throttle.admit(guesser(kept, address), account=account, now=now)
    except errors.TooMany as refused:
        return refused.retry_after_seconds
    return 0


async def test_who_guesses_waits_longer_and_longer():
    kept, admitted, now = Counters(None, "secret"), [], NINE
    for _ in range(100):
        seconds = await waits(kept, "192.0.2.1", "ana@example.org", now)
        if not seconds:
            admitted.append(now)
        now += timedelta(seconds=seconds or 1)
    within = lambda length: sum(at < NINE + length for at in admitted)  # noqa: E731
    assert (
        within(timedelta(minutes=1)),
        within(timedelta(minutes=10)),
        within(timedelta(hours=1)),
        within(timedelta(hours=15)),
    ) == (5, 10, 20, 50)


async def test_many_guesses_at_once_are_counted_too():
    kept = Counters(None, "secret")
    assert (
        sorted(await asyncio.gather(*(waits(kept, "192.0.2.1", "ana@example.org", NINE) for _ in range(20))))
        == [0] * 5 + [60] * 15
    )


async def test_a_guesser_locks_out_nobody_else():
    kept = Counters(None, "secret")
    await sign_in_throttle.succeeded(
        guesser(kept, "198.51.100.1"), account="ana@example.org", now=NINE - timedelta(days=3)
    )
    for number in range(300):  # from everywhere
        await waits(kept, f"192.0.2.{number % 250}", "ana@example.org", NINE)
    assert await waits(kept, "203.0.113.1", "ana@example.org", NINE) > 0  # where she never was
    assert await waits(kept, "198.51.100.1", "ana@example.org", NINE) == 0
    assert await waits(kept, "203.0.113.1", "ben@example.org", NINE) == 0


async def test_who_tries_many_accounts_from_one_network_waits_and_who_is_known_there_does_not():
    kept = Counters(None, "secret")
    assert await waits(kept, "192.0.2.1", "ana@example.org", NINE) == 0
    await sign_in_throttle.succeeded(guesser(kept, "192.0.2.1"), account="ana@example.org", now=NINE)
    waited = [await waits(kept, "192.0.2.1", f"{n}@example.org", NINE) for n in range(100)]
    assert waited == [0] * 20 + [60] * 80
    assert await waits(kept, "192.0.2.1", "ana@example.org", NINE) == 0


async def test_who_signs_in_has_not_guessed():
    kept = Counters(None, "secret")
    for _ in range(30):
        assert await waits(kept, "192.0.2.1", "ana@example.org", NINE) == 0
        await sign_in_throttle.succeeded(guesser(kept, "192.0.2.1"), account="ana@example.org", now=NINE)


async def test_a_network_is_remembered_for_two_months_and_forgotten_after_four():
    kept = Counters(None, "secret")
    await sign_in_throttle.succeeded(guesser(kept, "192.0.2.1"), account="ana@example.org", now=NINE)
    assert [
        await sign_in_throttle._knows(kept, "ana@example.org", "192.0.2.1", NINE + timedelta(days=days))
        for days in (0, 60, 121)
    ] == [True, True, False]


# Redis


async def test_servers_that_share_redis_count_together(db, database_url):
    with redis_server() as redis:
        shared = {"database_url": database_url, "cache_url": redis.url, "rate_limits": True, "requests_rate": "10/day"}
        with appoint("serve", **shared) as one, appoint("serve", **shared) as two:
            answers = [httpx2.get(f"{process.url}/api/clinics") for _ in range(6) for process in (one, two)]
            assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 2
            redis.kill()
            answer = httpx2.get(f"{one.url}/api/clinics")  # counts for itself now
            assert (answer.status_code, answer.headers["RateLimit-Remaining"]) == (200, "9")


async def test_nobody_signs_in_while_redis_is_away_and_then_again(db, database_url, monkeypatch):
    monkeypatch.setattr(redis_counters, "RETRY_SECONDS", 0)
    with redis_server() as redis:
        async with asking(database_url, cache_url=redis.url) as client:
            sign_in = {"email": "ana@example.org", "password": "a long enough password"}
            assert (await client.post("/api/sessions", json=sign_in)).status_code == 401
            redis.kill()
            refused = await client.post("/api/sessions", json=sign_in)
            assert (refused.status_code, refused.json()["type"]) == (503, "/problems/unavailable")
            assert "Retry-After" in refused.headers
            assert (await client.get("/api/clinics")).status_code == 200
            assert (await client.post("/api/customers", json={"name": "Ana"})).status_code == 201
            redis.start()
            async with asyncio.timeout(20):
                while (await client.post("/api/sessions", json=sign_in)).status_code == 503:
                    await asyncio.sleep(0.05)


async def test_redis_holds_no_addresses_and_no_accounts_and_forgets():
    with redis_server() as redis:
        kept = Counters(redis.url, "secret")
        assert [(await kept.add("requests", "192.0.2.1", Rate(10, 60), NINE)).number for _ in range(3)] == [1, 2, 3]
        assert (await kept.count("requests", "192.0.2.1", Rate(10, 60), NINE)).number == 3
        client = kept._redis._storage.bridge.storage
        (key,) = await client.keys("*")
        assert b"192" not in key
        assert 0 < await client.ttl(key) <= 120
        await kept.close()


async def test_while_redis_is_away_requests_do_not_each_wait_for_it():
    kept = Counters("redis://127.0.0.1:1/0", "secret")
    with pytest.raises(errors.Unavailable):
        await kept.add("requests", "a", Rate(1, 60), NINE)
    kept._redis._storage.incr = None  # and is not even asked
    with pytest.raises(errors.Unavailable):
        await kept.add("requests", "a", Rate(1, 60), NINE)


def test_rates_are_read_shortest_first():
    assert rates("20/hour; 5/minute; 10/10 minute") == (Rate(5, 60), Rate(10, 600), Rate(20, 3600))
