"""Sign-in codes cannot be guessed or reused, and the API does not reveal which addresses are known."""

import asyncio
import re
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from appoint.database import pool
from appoint.identity.sign_in_codes import repository, service
from appoint.identity.sign_in_codes.model import Address
from appoint.kit import clock
from appoint.kit.actors import Actor
from support.app import ADMIN
from support.matrix import for_each
from support.sign_in_codes import WRONG, enter_code, is_refused, request_code, right_code, sent_codes, wrong_code
from support.world import create_customer

# invalid codes


async def test_a_code_is_invalid_once_the_customer_is_removed(client, ana):
    code_id = await request_code(client)
    await client.delete(f"/api/customers/{ana}", headers=ADMIN)
    assert is_refused(await enter_code(client, code_id))


async def test_a_removed_customer_does_not_get_a_code(db, client, ana):
    await client.delete(f"/api/customers/{ana}", headers=ADMIN)
    await request_code(client)
    assert await sent_codes(db) == []


async def test_all_invalid_codes_get_the_same_response(db, client, ana, family):
    spent, old, anas_code = await request_code(client), await request_code(client), await request_code(client)
    family_code = await request_code(client, email="family@example.org")
    await enter_code(client, spent)
    await db.execute("update sign_in_code set expires_at = now() where id = $1", UUID(old))
    refusals = [
        await enter_code(client, anas_code, wrong_code(anas_code)),
        await enter_code(client, spent),
        await enter_code(client, old),
        await enter_code(client, anas_code, right_code(family_code)),
        await enter_code(client, str(uuid4())),
        await enter_code(client, family_code, customerId=ana),
    ]
    documents = [
        {name: value for name, value in refusal.json().items() if name not in ("requestId", "instance")}
        for refusal in refusals
    ]
    assert documents == [documents[0]] * len(documents)
    assert documents[0].items() >= WRONG.items()


async def test_a_code_is_blocked_after_five_wrong_guesses(client, ana):
    code_id = await request_code(client)
    for _ in range(5):
        assert is_refused(await enter_code(client, code_id, wrong_code(code_id)))
    assert is_refused(await enter_code(client, code_id))


async def test_concurrent_wrong_guesses_all_count(db, client, ana):
    code_id = await request_code(client)
    refusals = await asyncio.gather(*(enter_code(client, code_id, wrong_code(code_id)) for _ in range(40)))
    assert all(map(is_refused, refusals))
    assert await db.fetchval("select attempts from sign_in_code") == repository.MAX_ATTEMPTS
    assert is_refused(await enter_code(client, code_id))


async def test_only_one_of_several_concurrent_uses_of_a_code_signs_in(db, client, ana):
    code_id = await request_code(client)
    responses = await asyncio.gather(*(enter_code(client, code_id) for _ in range(20)))
    assert sorted(response.status_code for response in responses) == [200] + [401] * 19
    assert await db.fetchval("select count(*) from session") == 1


async def test_a_code_expires_after_ten_minutes(client, ana, monkeypatch):
    code_id = await request_code(client)
    later = clock.now() + timedelta(minutes=10)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert is_refused(await enter_code(client, code_id))


async def test_retrying_a_sign_in_with_the_same_key_counts_as_a_new_attempt(client, ana):
    """Replaying the response would require storing the token."""
    code_id, key = await request_code(client), {"Idempotency-Key": "once"}
    request = {"url": f"/api/signInCodes/{code_id}/session", "json": {"code": right_code(code_id)}, "headers": key}
    assert [(await client.post(**request)).status_code for _ in range(2)] == [200, 401]


async def test_retrying_a_request_with_the_same_key_sends_one_code(db, client, ana):
    request = {"url": "/api/signInCodes", "json": {"email": "ana@example.org"}, "headers": {"Idempotency-Key": "once"}}
    first, second = await client.post(**request), await client.post(**request)
    assert (second.json(), second.headers["Idempotent-Replayed"]) == (first.json(), "true")
    assert len(await sent_codes(db)) == 1


class Statements:
    """All SQL statements that run during a test."""

    def __init__(self, monkeypatch):
        self.sql = []
        for executor in (pool.Database, pool.Transaction):
            monkeypatch.setattr(executor, "run", self.recorded(executor.run))

    def recorded(self, run):
        async def recording(self_, method, sql, args):
            self.sql.append(" ".join(sql.split()))
            return await run(self_, method, sql, args)

        return recording


# what an outsider could learn


@pytest.mark.parametrize(
    "pair",
    [
        ({"email": "ana@example.org"}, {"email": "unknown@example.org"}),
        ({"phone": "+493012345678"}, {"phone": "+493012345679"}),
    ],
)
async def test_an_unknown_address_is_handled_exactly_like_a_known_one(db, client, ana, monkeypatch, pair):
    await request_code(client, **pair[0])
    statements, observations = Statements(monkeypatch), []
    for address in pair:
        statements.sql.clear()
        response = await client.post("/api/signInCodes", json=address)
        document = response.json()
        lifetime = datetime.fromisoformat(document["expiresAt"]) - clock.now()
        headers = {
            name: value
            for name, value in response.headers.items()
            if name not in ("etag", "x-request-id") and not name.startswith("ratelimit")
        }
        observations.append(
            (
                response.status_code,
                sorted(document),
                timedelta(minutes=9) < lifetime <= timedelta(minutes=10),
                headers,
                len(response.content),
                list(statements.sql),
            )
        )
    assert observations[0] == observations[1]
    assert [to for _, to in await sent_codes(db)] == [ana, ana]


async def test_a_code_for_an_unknown_address_never_signs_anyone_in(client):
    code_id = await request_code(client, email="unknown@example.org")
    assert is_refused(await enter_code(client, code_id))


@pytest.mark.usefixtures("still_clock")
async def test_requests_for_an_address_are_rate_limited_whether_or_not_it_is_known(client, ana):
    for address in ("ana@example.org", "unknown@example.org"):
        responses = [await client.post("/api/signInCodes", json={"email": address}) for _ in range(6)]
        assert [response.status_code for response in responses] == [200] * 5 + [429]
        assert int(responses[-1].headers["Retry-After"]) > 0


async def test_successful_sign_ins_do_not_count_towards_the_limit(client, ana):
    for _ in range(8):
        assert (await enter_code(client, await request_code(client))).status_code == 200


async def test_the_database_contains_neither_codes_nor_addresses(db, client, ana):
    code_id = await request_code(client)
    rows = await db.fetch(
        "select to_jsonb(s)::text as row from sign_in_code s union all select to_jsonb(n)::text from notification n"
    )
    everything = "".join(row.row for row in rows)
    assert code_id in everything
    assert [secret for secret in (f'"{right_code(code_id)}"', "ana@", "+4930") if secret in everything] == []


@pytest.mark.parametrize("people", [1, 20, 21])
async def test_at_most_twenty_people_who_share_an_address_can_sign_in(db, people):
    await db.execute(
        """
        insert into customer (name, email)
        select 'Guest ' || n, 'desk@hotel.example' from generate_series(1, $1) as n
        """,
        people,
    )
    request = await db.atomic(
        service.send_code, Actor("open:"), address=Address("email", "desk@hotel.example"), now=clock.now()
    )
    assert len(await db.fetchval("select customer_ids from sign_in_code where id = $1", request.code_id)) == min(
        people, 20
    )


async def test_expired_codes_are_deleted(db, client, ana):
    await request_code(client)
    await repository.delete_expired(db, now=clock.now())
    assert await db.fetchval("select count(*) from sign_in_code") == 1
    await repository.delete_expired(db, now=clock.now() + timedelta(minutes=10))
    assert await db.fetchval("select count(*) from sign_in_code") == 0


# invalid input


@for_each(
    "body, pointer",
    [
        ({}, "#/email"),
        ({"email": "ana@example.org", "phone": "+493012345678"}, "#/phone"),
        ({"email": "ana@example.org\r\nBcc: all@example.org"}, "#/email"),
        ({"email": "ana@example.org\n"}, "#/email"),
        ({"email": "Ana <ana@example.org>"}, "#/email"),
        ({"email": "a\x00na@example.org"}, None),
        ({"email": ["ana@example.org"]}, "#/email"),
        ({"email": "a" * 250 + "@example.org"}, "#/email"),
        ({"phone": "030 12345678"}, "#/phone"),
        ({"phone": "+49"}, "#/phone"),
        ({"phone": "+493012345678\r\nTo: +15005550006"}, "#/phone"),
        ({"email": "ana@example.org", "customerId": str(uuid4())}, "#/customerId"),
    ],
)
async def test_an_invalid_address_is_rejected(db, client, ana, body, pointer):
    response = await client.post("/api/signInCodes", json=body)
    assert response.status_code == 400
    assert pointer in [None, *(fault["pointer"] for fault in response.json().get("errors", []))]
    assert await sent_codes(db) == []


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "١٢٣٤٥٦", "12345a", "123456\n", " 123456", 123456, None, ["123456"]]
)
async def test_a_malformed_code_is_rejected_and_not_counted(db, client, ana, code):
    code_id = await request_code(client)
    response = await client.post(f"/api/signInCodes/{code_id}/session", json={"code": code})
    assert response.status_code == 400
    assert await db.fetchval("select attempts from sign_in_code") == 0


async def test_a_lookalike_address_is_rejected(db, client):
    """The Kelvin sign becomes a k in lower case, so it could otherwise be used to sign in as Mike."""
    await create_customer(client, name="Mike", email="mike@example.org")
    assert (await client.post("/api/signInCodes", json={"email": "mi\u212ae@example.org"})).status_code == 400
    assert await sent_codes(db) == []


async def test_looking_up_an_address_uses_the_indexes(db):
    await db.execute(
        """
        insert into customer (name, email, phone)
        select 'x', n || '@example.org', '+4930' || (1000000 + n) from generate_series(1, 20000) as n
        """
    )
    await db.execute("analyze customer")
    plan = [
        row[0]
        for row in await db.fetch(
            """
            explain select id from customer
                     where active and (lower(email) = lower('7@example.org') or phone = '+49301000007')
                     order by id limit 20
            """
        )
    ]
    assert {index for line in plan for index in re.findall(r"customer_by_\w+", line)} == {
        "customer_by_email",
        "customer_by_phone",
    }
