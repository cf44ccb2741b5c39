"""Patients sign in by a code that is sent to the address on their record. Nobody learns whose address is known, and
guessing leads nowhere."""

import asyncio
import re
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from appoint.database import pool
from appoint.http.access import COOKIE
from appoint.identity.sign_in_codes import repository, service
from appoint.identity.sign_in_codes.model import Address
from appoint.kit import clock
from appoint.kit.actors import Actor
from appoint.kit.signed_tokens import six_digit_code as code_of
from support.app import ADMIN
from support.post import Office, Post
from support.rows import customer

SECRET = "signs links in tests"
WRONG = {"type": "/problems/wrong-code", "status": 401}


@pytest.fixture
async def ana(client):
    return await customer(client, name="Ana", email="ana@example.org", phone="+493012345678")


async def ask(client, **address) -> str:
    answer = await client.post("/api/signInCodes", json=address or {"email": "ana@example.org"})
    assert answer.status_code == 200, answer.text
    return answer.json()["codeId"]


def right(code_id: str) -> str:
    return code_of(SECRET, "sign-in", code_id)


def wrong(code_id: str) -> str:
    return f"{(int(right(code_id)) + 1) % 1_000_000:06}"


async def answer(client, code_id: str, code: str | None = None, **more):
    return await client.post(
        f"/api/signInCodes/{code_id}/session", json={"code": code if code is not None else right(code_id), **more}
    )


def is_refused(response) -> bool:
    return {name: response.json().get(name) for name in WRONG} == WRONG


async def told(db) -> list[tuple[str, str]]:
    return [
        (row.channel, row.recipient_id)
        for row in await db.fetch(
            "select channel, recipient_id from notification where kind = 'sign-in-code' order by id"
        )
    ]


# the way in


async def test_the_code_of_the_message_signs_its_reader_in(db, client, ana):
    post = Post()
    code_id = await ask(client)
    await Office(db, post).send(clock.now())
    assert post.taken[0].to == "ana@example.org"
    (said,) = re.findall(r"\b\d{6}\b", post.taken[0].text)
    # the post's own secret is another one than the server's, as two servers that are set up badly would have
    assert (said == code_of("a secret", "sign-in", code_id), is_refused(await answer(client, code_id, said))) == (
        True,
        said != right(code_id),
    )


async def test_who_has_the_code_is_signed_in_and_sees_their_own(client, ana):
    signed_in = (await answer(client, await ask(client))).json()["session"]
    mine = {"Authorization": f"Bearer {signed_in['token']}"}
    assert signed_in["account"]["customerId"] == ana
    assert (await client.get(f"/api/customers/{ana}", headers=mine)).json()["email"] == "ana@example.org"
    assert (await client.get(f"/api/customers/{await customer(client)}", headers=mine)).status_code == 404


async def test_a_page_gets_a_cookie_that_no_script_reads_and_no_token(client, ana):
    response = await answer(client, await ask(client), cookie=True)
    assert set(response.json()["session"]) == {"id", "expiresAt", "account", "csrfToken"}
    cookie = response.headers["Set-Cookie"].lower()
    assert cookie.startswith(f"{COOKIE.lower()}=aps_")
    assert {"httponly", "secure", "path=/"} <= {part.strip() for part in cookie.split(";")}
    assert response.headers["Cache-Control"] == "no-store"


async def test_signing_in_ends_the_session_that_the_browser_had(db, client, ana):
    first = (await answer(client, await ask(client))).json()["session"]["token"]
    code_id = await ask(client)
    await client.post(
        f"/api/signInCodes/{code_id}/session", json={"code": right(code_id)}, headers={"Cookie": f"{COOKIE}={first}"}
    )
    assert await db.fetchval("select count(*) from session") == 1


@pytest.mark.parametrize(
    ("asked", "to"),
    [
        ({"email": "ANA@Example.org"}, "email"),
        ({"phone": "+49 30 12345678"}, "sms"),
        ({"phone": "030 12345678", "timeZone": "Europe/Berlin"}, "sms"),
        ({"phone": "030 12345678", "locale": "de"}, "sms"),
    ],
)
async def test_the_code_goes_to_the_address_that_is_asked_for_however_it_is_written(db, client, ana, asked, to):
    await ask(client, **asked)
    assert await told(db) == [(to, ana)]


async def test_a_code_is_good_once(client, ana):
    code_id = await ask(client)
    assert (await answer(client, code_id)).status_code == 200
    assert is_refused(await answer(client, code_id))


async def test_each_code_is_good_for_itself(client, ana):
    """A later one does not end an earlier one, else whoever asks could keep Ana out."""
    first, second = await ask(client), await ask(client)
    assert (await answer(client, first)).status_code == 200
    assert (await answer(client, second)).status_code == 200


async def test_who_signs_in_is_in_the_audit_by_id_and_nothing_else_is(db, client, ana):
    code_id = await ask(client)
    await answer(client, code_id, wrong(code_id))
    await answer(client, code_id)
    rows = await db.fetch(
        "select action, subjects::text[] from audit_unsealed where action in ('sendSignInCode', 'signInByCode') order by at, id"
    )
    assert [(row.action, row.subjects) for row in rows] == [
        ("sendSignInCode", []),
        ("signInByCode", [code_id]),
        ("signInByCode", [code_id, ana]),
    ]


# families


@pytest.fixture
async def family(client):
    return [await customer(client, name=name, email="family@example.org") for name in ("Ana", "Ben")]


async def test_who_shares_an_address_chooses_who_they_are_and_the_code_stays_good(db, client, family):
    code_id = await ask(client, email="family@example.org")
    first = await answer(client, code_id)
    assert first.json() == {
        "choices": [{"customerId": family[0], "name": "Ana"}, {"customerId": family[1], "name": "Ben"}]
    }
    assert await db.fetchval("select count(*) from session") == 0
    assert (await answer(client, code_id, customerId=family[1])).json()["session"]["account"]["customerId"] == family[1]
    assert is_refused(await answer(client, code_id, customerId=family[0]))


async def test_looking_at_the_choices_uses_up_no_attempt(client, family):
    code_id = await ask(client, email="family@example.org")
    for _ in range(8):
        assert "choices" in (await answer(client, code_id)).json()
    assert (await answer(client, code_id, customerId=family[0])).status_code == 200


async def test_one_message_goes_to_a_shared_address(db, client, family):
    await ask(client, email="family@example.org")
    assert await told(db) == [("email", family[0])]


async def test_nobody_else_can_be_chosen(db, client, ana, family):
    code_id = await ask(client, email="family@example.org")
    assert is_refused(await answer(client, code_id, customerId=ana))
    assert is_refused(await answer(client, code_id, customerId=str(uuid4())))
    assert await db.fetchval("select count(*) from session") == 0


async def test_a_wrong_code_shows_no_choices(client, family):
    code_id = await ask(client, email="family@example.org")
    assert is_refused(await answer(client, code_id, wrong(code_id)))


async def test_who_has_left_or_has_another_address_since_is_not_among_the_choices(client, family):
    code_id = await ask(client, email="family@example.org")
    await client.patch(f"/api/customers/{family[0]}", json={"email": "new@example.org"}, headers=ADMIN)
    assert is_refused(await answer(client, code_id, customerId=family[0]))
    assert (await answer(client, code_id)).json()["session"]["account"]["customerId"] == family[1]


# what leads nowhere


async def test_a_code_of_who_has_left_meanwhile_is_not_good(client, ana):
    code_id = await ask(client)
    await client.delete(f"/api/customers/{ana}", headers=ADMIN)
    assert is_refused(await answer(client, code_id))


async def test_who_has_left_is_sent_no_code(db, client, ana):
    await client.delete(f"/api/customers/{ana}", headers=ADMIN)
    await ask(client)
    assert await told(db) == []


async def test_wrong_used_expired_foreign_and_unknown_codes_are_one_and_the_same_problem(db, client, ana, family):
    spent, old, hers = await ask(client), await ask(client), await ask(client)
    theirs = await ask(client, email="family@example.org")
    await answer(client, spent)
    await db.execute("update sign_in_code set expires_at = now() where id = $1", UUID(old))
    refusals = [
        await answer(client, hers, wrong(hers)),
        await answer(client, spent),
        await answer(client, old),
        await answer(client, hers, right(theirs)),
        await answer(client, str(uuid4())),
        await answer(client, theirs, customerId=ana),
    ]
    documents = [
        {name: value for name, value in refusal.json().items() if name not in ("requestId", "instance")}
        for refusal in refusals
    ]
    assert documents == [documents[0]] * len(documents)
    assert documents[0].items() >= WRONG.items()


async def test_five_guesses_are_all_there_are(client, ana):
    code_id = await ask(client)
    for _ in range(5):
        assert is_refused(await answer(client, code_id, wrong(code_id)))
    assert is_refused(await answer(client, code_id))


async def test_guesses_at_once_are_counted_one_by_one(db, client, ana):
    code_id = await ask(client)
    refusals = await asyncio.gather(*(answer(client, code_id, wrong(code_id)) for _ in range(40)))
    assert all(map(is_refused, refusals))
    assert await db.fetchval("select attempts from sign_in_code") == repository.MAX_ATTEMPTS
    assert is_refused(await answer(client, code_id))


async def test_of_many_who_send_the_right_code_at_once_one_is_signed_in(db, client, ana):
    code_id = await ask(client)
    answers = await asyncio.gather(*(answer(client, code_id) for _ in range(20)))
    assert sorted(response.status_code for response in answers) == [200] + [401] * 19
    assert await db.fetchval("select count(*) from session") == 1


async def test_a_code_runs_out_after_ten_minutes(client, ana, monkeypatch):
    code_id = await ask(client)
    later = clock.now() + timedelta(minutes=10)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert is_refused(await answer(client, code_id))


async def test_a_repeated_answer_is_another_attempt(client, ana):
    """Else the token would have to be kept somewhere."""
    code_id, key = await ask(client), {"Idempotency-Key": "once"}
    sent = {"url": f"/api/signInCodes/{code_id}/session", "json": {"code": right(code_id)}, "headers": key}
    assert [(await client.post(**sent)).status_code for _ in range(2)] == [200, 401]


async def test_a_repeated_request_sends_one_code(db, client, ana):
    sent = {"url": "/api/signInCodes", "json": {"email": "ana@example.org"}, "headers": {"Idempotency-Key": "once"}}
    first, second = await client.post(**sent), await client.post(**sent)
    assert (second.json(), second.headers["Idempotent-Replayed"]) == (first.json(), "true")
    assert len(await told(db)) == 1


# what nobody learns


class Statements:
    """Which statements run, whoever sends them."""

    def __init__(self, monkeypatch):
        self.seen = []
        for door in (pool.Database, pool.Transaction):
            monkeypatch.setattr(door, "run", self.noting(door.run))

    def noting(self, run):
        async def noted(self_, method, sql, args):
            self.seen.append(" ".join(sql.split()))
            return await run(self_, method, sql, args)

        return noted


@pytest.mark.parametrize(
    "pair",
    [
        ({"email": "ana@example.org"}, {"email": "nobody@example.org"}),
        ({"phone": "+493012345678"}, {"phone": "+493012345679"}),
    ],
)
async def test_an_unknown_address_is_answered_as_a_known_one_by_the_same_statements(db, client, ana, monkeypatch, pair):
    await ask(client, **pair[0])
    statements, seen = Statements(monkeypatch), []
    for asked in pair:
        statements.seen.clear()
        response = await client.post("/api/signInCodes", json=asked)
        body = response.json()
        lasts = datetime.fromisoformat(body["expiresAt"]) - clock.now()
        headers = {
            name: value
            for name, value in response.headers.items()
            if name not in ("etag", "x-request-id") and not name.startswith("ratelimit")
        }
        seen.append(
            (
                response.status_code,
                sorted(body),
                timedelta(minutes=9) < lasts <= timedelta(minutes=10),
                headers,
                len(response.content),
                list(statements.seen),
            )
        )
    assert seen[0] == seen[1]
    assert [to for _, to in await told(db)] == [ana, ana]


async def test_a_code_for_nobody_cannot_be_answered(client):
    code_id = await ask(client, email="nobody@example.org")
    assert is_refused(await answer(client, code_id))


async def test_who_asks_too_often_for_one_address_waits_whether_or_not_anybody_has_it(client, ana):
    for address in ("ana@example.org", "nobody@example.org"):
        answers = [await client.post("/api/signInCodes", json={"email": address}) for _ in range(6)]
        assert [response.status_code for response in answers] == [200] * 5 + [429]
        assert int(answers[-1].headers["Retry-After"]) > 0


async def test_who_signs_in_has_not_asked_too_often(client, ana):
    for _ in range(8):
        assert (await answer(client, await ask(client))).status_code == 200


async def test_a_code_and_its_digits_are_kept_nowhere(db, client, ana):
    code_id = await ask(client)
    kept = await db.fetch(
        "select to_jsonb(s)::text as row from sign_in_code s union all select to_jsonb(n)::text from notification n"
    )
    everything = "".join(row.row for row in kept)
    assert code_id in everything
    assert [secret for secret in (f'"{right(code_id)}"', "ana@", "+4930") if secret in everything] == []


@pytest.mark.parametrize("shared", [1, 20, 21])
async def test_of_those_who_share_an_address_the_first_twenty_can_choose(db, shared):
    await db.execute(
        "insert into customer (name, email) select 'Guest ' || n, 'desk@hotel.example' from generate_series(1, $1) as n",
        shared,
    )
    asked = await db.atomic(
        service.send_code, Actor("open:"), address=Address("email", "desk@hotel.example"), now=clock.now()
    )
    assert len(await db.fetchval("select customer_ids from sign_in_code where id = $1", asked.code_id)) == min(
        shared, 20
    )


async def test_old_codes_are_forgotten(db, client, ana):
    await ask(client)
    await repository.delete_expired(db, now=clock.now())
    assert await db.fetchval("select count(*) from sign_in_code") == 1
    await repository.delete_expired(db, now=clock.now() + timedelta(minutes=10))
    assert await db.fetchval("select count(*) from sign_in_code") == 0


# what is no address, and no code


@pytest.mark.parametrize(
    ("asked", "pointer"),
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
async def test_what_is_no_address_is_refused(db, client, ana, asked, pointer):
    response = await client.post("/api/signInCodes", json=asked)
    assert response.status_code == 400
    assert pointer in [None, *(fault["pointer"] for fault in response.json().get("errors", []))]
    assert await told(db) == []


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "١٢٣٤٥٦", "12345a", "123456\n", " 123456", 123456, None, ["123456"]]
)
async def test_what_is_no_code_is_refused_and_counts_for_nothing(db, client, ana, code):
    code_id = await ask(client)
    response = await client.post(f"/api/signInCodes/{code_id}/session", json={"code": code})
    assert response.status_code == 400
    assert await db.fetchval("select attempts from sign_in_code") == 0


async def test_an_address_that_only_looks_alike_is_refused(db, client):
    """The Kelvin sign is a K once it is lower-cased: nobody signs in as Mike by it."""
    await customer(client, name="Mike", email="mike@example.org")
    assert (await client.post("/api/signInCodes", json={"email": "mi\u212ae@example.org"})).status_code == 400
    assert await told(db) == []


async def test_exact_addresses_are_found_by_their_indexes(db):
    await db.execute(
        "insert into customer (name, email, phone) select 'x', n || '@example.org', '+4930' || (1000000 + n) from generate_series(1, 20000) as n"
    )
    await db.execute("analyze customer")
    plan = [
        row[0]
        for row in await db.fetch(
            "explain select id from customer where active and (lower(email) = lower('7@example.org') or phone = '+49301000007') order by id limit 20"
        )
    ]
    assert {index for line in plan for index in re.findall(r"customer_by_\w+", line)} == {
        "customer_by_email",
        "customer_by_phone",
    }
