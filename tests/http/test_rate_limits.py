"""Rate limits: how many requests each caller may send, and what responses say about it."""

from datetime import timedelta
from types import SimpleNamespace
from uuid import UUID

import msgspec
import pytest

from appoint.http.access import COOKIE
from appoint.http.rate_limits import counters
from appoint.http.rate_limits.counters import Counters, Rate, rates
from appoint.http.rate_limits.limits import Limits
from appoint.http.rate_limits.networks import network_of, networks_of
from appoint.http.routes import Route
from appoint.kit import errors
from appoint.kit.actors import Actor, Membership, Role
from support.app import ADMIN, connected_client, settings
from support.rate_limits import NINE, limited_client
from support.staff import add_user, sign_in, works_at


def limit_headers(response) -> tuple[str, ...]:
    return tuple(response.headers[f"RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset", "Policy"))


async def test_responses_count_down_the_remaining_requests(db, database_url, fixed_clock):
    async with limited_client(database_url, requests_rate="2/minute") as client:
        fixed_clock.now += timedelta(seconds=20)
        first, second, third = [await client.get("/api/clinics") for _ in range(3)]
        assert [response.status_code for response in (first, second, third)] == [200, 200, 429]
        assert [limit_headers(response) for response in (first, second, third)] == [
            ("2", "1", "40", "2;w=60"),
            ("2", "0", "40", "2;w=60"),
            ("2", "0", "40", "2;w=60"),
        ]
        assert (third.json()["type"], third.headers["Retry-After"]) == ("/problems/too-many-requests", "40")
        assert 'appoint_limited_total{limit="requests"}' in (await client.get("/metrics", headers=ADMIN)).text
        fixed_clock.now += timedelta(seconds=40)
        assert (await client.get("/api/clinics")).status_code == 200


async def test_each_kind_of_request_and_each_address_has_its_own_counter(db, database_url, fixed_clock):
    async with limited_client(
        database_url, requests_rate="1/minute", search_rate="1/minute", registrations_rate="1/hour"
    ) as client:
        search = "/api/availability/search?date=2027-03-02"
        responses = [
            await client.get("/api/clinics"),
            await client.get(search),
            await client.post("/api/customers", json={"name": "Ana"}),
        ]
        assert [response.status_code for response in responses] == [200, 200, 201]
        responses = [
            await client.get("/api/clinics"),
            await client.get(search),
            await client.post("/api/customers", json={"name": "Ana"}),
        ]
        assert [response.status_code for response in responses] == [429] * 3
        async with connected_client(client.app, address="192.0.2.2") as other:
            assert (await other.get("/api/clinics")).status_code == 200


async def test_changing_the_user_agent_does_not_reset_the_limit(db, database_url, fixed_clock):
    async with limited_client(database_url, requests_rate="1/minute") as client:
        statuses = [
            (await client.get("/api/clinics", headers={"User-Agent": agent})).status_code for agent in ("one", "two")
        ]
        assert statuses == [200, 429]


async def test_the_administrator_has_no_rate_limit(db, database_url, fixed_clock):
    async with limited_client(database_url, requests_rate="1/minute") as client:
        responses = [await client.get("/api/clinics", headers=ADMIN) for _ in range(3)]
        assert [(response.status_code, "RateLimit-Limit" in response.headers) for response in responses] == [
            (200, False)
        ] * 3


STAFF = Actor("user:1", user_id=UUID(int=1), memberships=(Membership(1, Role.RECEPTIONIST),))
PATIENT = Actor("patient:1", customer_id=UUID(int=1), address="192.0.2.1")
PARTNER = Actor("key:1", memberships=(Membership(1, Role.PARTNER),))
PARTNER_WITH_LIMIT = Actor("key:2", memberships=(Membership(1, Role.PARTNER),), requests_per_minute=7)


@pytest.mark.parametrize(
    ("caller", "permission", "expected"),
    [
        (STAFF, "public", None),
        (STAFF, "book", None),
        (PATIENT, "public", 120),
        (PATIENT, "book", 30),
        (PARTNER, "book", 600),
        (PARTNER, "public", 600),
        (PARTNER_WITH_LIMIT, "book", 7),
        (Actor("open:1", address="192.0.2.1"), "public", 240),
        (Actor("open:1", address="192.0.2.1"), "sign-in", 20),
    ],
)
async def test_the_rate_limit_depends_on_the_caller(caller, permission, expected):
    limits = Limits(settings(rate_limits=True), Counters(None, "secret"))
    request = SimpleNamespace(scope={"state": {}})
    await limits.admit(request, caller, Route(permission=permission))
    assert dict(request.scope["state"].get("limit", ())).get(b"ratelimit-limit") == (
        None if expected is None else str(expected).encode()
    )


@pytest.mark.parametrize("caller", [STAFF, PARTNER, PARTNER_WITH_LIMIT, PATIENT])
async def test_sign_ins_are_counted_per_address_even_for_signed_in_callers(caller):
    limits = Limits(settings(rate_limits=True, sign_in_rate="1/minute"), Counters(None, "secret"))
    route = Route(permission="sign-in")
    await limits.admit(
        SimpleNamespace(scope={"state": {}}), msgspec.structs.replace(caller, address="192.0.2.1"), route
    )
    with pytest.raises(errors.TooMany):
        await limits.admit(SimpleNamespace(scope={"state": {}}), Actor("open:1", address="192.0.2.1"), route)
    await limits.admit(
        SimpleNamespace(scope={"state": {}}), msgspec.structs.replace(caller, address="192.0.2.2"), route
    )


async def test_a_staff_token_or_cookie_does_not_allow_more_guesses(db, database_url, fixed_clock):
    """Each guess targets a different account, so only the sign-in rate limit stops them, in the API and on pages."""
    await works_at(
        db,
        await add_user(db),
        await db.fetchval("insert into clinic (name, time_zone) values ('Lakeside', 'Europe/Berlin') returning id"),
    )
    async with limited_client(database_url, sign_in_rate="4/minute") as client:
        token = (await sign_in(client)).json()["token"]
        credentials = [{"Authorization": f"Bearer {token}"}, {"Cookie": f"{COOKIE}={token}"}]
        for headers in credentials:
            assert (await client.get("/api/account", headers=headers)).status_code == 200
        guesses = [
            await client.post(
                "/api/sessions", json={"email": "one@example.org", "password": "a wrong guess"}, headers=credentials[0]
            ),
            await client.post(
                "/api/sessions", json={"email": "two@example.org", "password": "a wrong guess"}, headers=credentials[1]
            ),
            await client.post(
                "/staff/sign-in",
                data={"email": "three@example.org", "password": "a wrong guess"},
                headers=credentials[1],
            ),
            await client.post(
                "/api/sessions", json={"email": "four@example.org", "password": "a wrong guess"}, headers=credentials[0]
            ),
            await client.post(
                "/staff/sign-in",
                data={"email": "five@example.org", "password": "a wrong guess"},
                headers=credentials[1],
            ),
        ]
        assert [response.status_code for response in guesses] == [401, 401, 401, 429, 429]
        assert (await client.get("/api/account", headers=credentials[0])).status_code == 200


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
def test_ipv6_addresses_are_counted_per_network(address, expected):
    assert network_of(address) == expected


async def test_lookups_of_wrong_credentials_are_limited_but_right_ones_always_work(db, database_url, fixed_clock):
    async with limited_client(database_url) as client:
        client.app.state.services.identities["tst_"] = identify
        responses = [await client.get("/api/customers", headers={"Authorization": "Bearer tst_right"})]
        responses += [
            await client.get("/api/customers", headers={"Authorization": f"Bearer tst_{n}"}) for n in range(31)
        ]
        assert [response.status_code for response in responses] == [200, *[401] * 30, 429]
        assert (await client.get("/api/customers", headers={"Authorization": "Bearer tst_right"})).status_code == 200
        assert (await client.get("/api/customers", headers=ADMIN)).status_code == 200
        async with connected_client(client.app, address="192.0.2.2") as other:
            assert (await other.get("/api/customers", headers={"Authorization": "Bearer tst_0"})).status_code == 401


async def identify(connection, token):
    return Actor("test", administrator=True) if token == "tst_right" else None


async def test_a_process_stores_a_limited_number_of_counters(monkeypatch):
    monkeypatch.setattr(counters, "MAX_COUNTERS", 100)
    store = Counters(None, "secret")
    for number in range(1000):
        store.add_here("requests", str(number), Rate(10, 60), NINE)
    assert len(store._stores["requests"]) <= 100
    store.add_here("requests", "999", Rate(10, 60), NINE)
    assert store.count_here("requests", "999", Rate(10, 60), NINE).number == 2


async def test_a_flood_of_requests_does_not_push_out_attempts_and_known_networks(monkeypatch):
    monkeypatch.setattr(counters, "MAX_COUNTERS", 100)
    store = Counters(None, "secret")
    store.add_here("attempts", "ana", Rate(10, 3600), NINE, number=9)
    store.add_here("known", "ana", Rate(1, 86400), NINE)
    for number in range(1000):
        store.add_here("requests", str(number), Rate(10, 60), NINE)
        store.add_here("attempts", str(number), Rate(10, 3600), NINE)
    assert store.count_here("attempts", "ana", Rate(10, 3600), NINE).number == 9
    assert store.count_here("known", "ana", Rate(1, 86400), NINE).number == 1


@pytest.mark.parametrize(
    ("address", "wider"),
    [
        ("192.0.2.7", [("192.0.2.0/24", 4)]),
        ("2001:db8:1:2:3:4:5:6", [("2001:db8:1::/56", 2), ("2001:db8:1::/48", 4)]),
        ("not:an:address", []),
    ],
)
def test_an_address_belongs_to_wider_networks_too(address, wider):
    assert [tuple(network) for network in networks_of(address)[1:]] == wider


@pytest.mark.parametrize(
    ("pattern", "admitted"),
    [("2001:db8:1:{:x}00::1", 8), ("2001:db8:1:{:x}::1", 4), ("198.51.100.{}", 8), ("198.51.{}.1", 20)],
)
async def test_many_networks_with_one_owner_share_a_limit(pattern, admitted):
    limits = Limits(settings(rate_limits=True, registrations_rate="2/hour"), Counters(None, "secret"))
    statuses = []
    for number in range(20):
        caller = Actor("open:1", address=pattern.format(number))
        try:
            await limits.admit(SimpleNamespace(scope={"state": {}}), caller, Route(permission="register"))
            statuses.append("admitted")
        except errors.TooMany:
            statuses.append("refused")
    assert statuses.count("admitted") == admitted


async def test_a_stranger_can_register_only_a_limited_number_of_recipients(db, database_url, fixed_clock):
    async with limited_client(database_url, recipients_rate="2/day") as client:

        async def register(number: int) -> int:
            body = {"name": "Ana", "email": f"ana{number}@example.org"}
            return (await client.post("/api/customers", json=body)).status_code

        assert [await register(number) for number in (1, 1, 2, 3, 3, 1)] == [201, 201, 201, 429, 429, 201]
        response = await client.post("/api/customers", json={"name": "Ana", "email": "x@example.org"}, headers=ADMIN)
        assert response.status_code == 201


def test_rates_are_sorted_by_period():
    assert rates("20/hour; 5/minute; 10/10 minute") == (Rate(5, 60), Rate(10, 600), Rate(20, 3600))
