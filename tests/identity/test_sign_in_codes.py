"""Patients sign in with a code sent to the address on their record."""

import re
from uuid import uuid4

import pytest

from appoint.http.access import COOKIE
from appoint.kit import clock
from appoint.kit.signed_tokens import six_digit_code as code_of
from support.app import ADMIN
from support.post import Office, Post
from support.sign_in_codes import enter_code, is_refused, request_code, right_code, sent_codes, wrong_code
from support.world import create_customer

# signing in


async def test_the_message_contains_the_code_signed_with_the_workers_secret(db, client, ana):
    post = Post()
    code_id = await request_code(client)
    await Office(db, post).send(clock.now())
    assert post.messages[0].to == "ana@example.org"
    (code,) = re.findall(r"\b\d{6}\b", post.messages[0].text)
    # The worker here signs with a different secret, as if two servers were configured differently.
    assert (code == code_of("a secret", "sign-in", code_id), is_refused(await enter_code(client, code_id, code))) == (
        True,
        code != right_code(code_id),
    )


async def test_a_correct_code_signs_customers_in_and_gives_access_only_to_their_own_data(client, ana):
    signed_in = (await enter_code(client, await request_code(client))).json()["session"]
    own_headers = {"Authorization": f"Bearer {signed_in['token']}"}
    assert signed_in["account"]["customerId"] == ana
    assert (await client.get(f"/api/customers/{ana}", headers=own_headers)).json()["email"] == "ana@example.org"
    assert (await client.get(f"/api/customers/{await create_customer(client)}", headers=own_headers)).status_code == 404


async def test_a_page_signs_in_with_an_http_only_cookie_and_does_not_get_a_token(client, ana):
    response = await enter_code(client, await request_code(client), cookie=True)
    assert set(response.json()["session"]) == {"id", "expiresAt", "account", "csrfToken"}
    cookie = response.headers["Set-Cookie"].lower()
    assert cookie.startswith(f"{COOKIE.lower()}=aps_")
    assert {"httponly", "secure", "path=/"} <= {part.strip() for part in cookie.split(";")}
    assert response.headers["Cache-Control"] == "no-store"


async def test_signing_in_ends_the_browsers_previous_session(db, client, ana):
    first = (await enter_code(client, await request_code(client))).json()["session"]["token"]
    code_id = await request_code(client)
    await client.post(
        f"/api/signInCodes/{code_id}/session",
        json={"code": right_code(code_id)},
        headers={"Cookie": f"{COOKIE}={first}"},
    )
    assert await db.fetchval("select count(*) from session") == 1


@pytest.mark.parametrize(
    ("body", "to"),
    [
        ({"email": "ANA@Example.org"}, "email"),
        ({"phone": "+49 30 12345678"}, "sms"),
        ({"phone": "030 12345678", "timeZone": "Europe/Berlin"}, "sms"),
        ({"phone": "030 12345678", "locale": "de"}, "sms"),
    ],
)
async def test_a_code_is_sent_to_the_requested_address_however_it_is_spelled(db, client, ana, body, to):
    await request_code(client, **body)
    assert await sent_codes(db) == [(to, ana)]


async def test_a_code_can_be_used_only_once(client, ana):
    code_id = await request_code(client)
    assert (await enter_code(client, code_id)).status_code == 200
    assert is_refused(await enter_code(client, code_id))


async def test_a_later_code_does_not_invalidate_an_earlier_one(client, ana):
    """Otherwise a stranger could lock Ana out by requesting codes for her address."""
    first, second = await request_code(client), await request_code(client)
    assert (await enter_code(client, first)).status_code == 200
    assert (await enter_code(client, second)).status_code == 200


async def test_the_audit_log_identifies_the_customer_only_by_id(db, client, ana):
    code_id = await request_code(client)
    await enter_code(client, code_id, wrong_code(code_id))
    await enter_code(client, code_id)
    rows = await db.fetch(
        """
        select action, subjects::text[] from audit_unsealed
         where action in ('sendSignInCode', 'signInByCode', 'signInCodeRefused') order by at, id
        """
    )
    assert [(row.action, row.subjects) for row in rows] == [
        ("sendSignInCode", []),
        ("signInCodeRefused", [code_id]),
        ("signInByCode", [code_id, ana]),
    ]


# families


async def test_people_who_share_an_address_choose_who_they_are(db, client, family):
    code_id = await request_code(client, email="family@example.org")
    first = await enter_code(client, code_id)
    assert first.json() == {
        "choices": [{"customerId": family[0], "name": "Ana"}, {"customerId": family[1], "name": "Ben"}]
    }
    assert await db.fetchval("select count(*) from session") == 0
    assert (await enter_code(client, code_id, customerId=family[1])).json()["session"]["account"][
        "customerId"
    ] == family[1]
    assert is_refused(await enter_code(client, code_id, customerId=family[0]))


async def test_viewing_the_choices_does_not_use_up_attempts(client, family):
    code_id = await request_code(client, email="family@example.org")
    for _ in range(8):
        assert "choices" in (await enter_code(client, code_id)).json()
    assert (await enter_code(client, code_id, customerId=family[0])).status_code == 200


async def test_a_shared_address_gets_one_message(db, client, family):
    await request_code(client, email="family@example.org")
    assert await sent_codes(db) == [("email", family[0])]


async def test_a_customer_with_a_different_address_cannot_be_chosen(db, client, ana, family):
    code_id = await request_code(client, email="family@example.org")
    assert is_refused(await enter_code(client, code_id, customerId=ana))
    assert is_refused(await enter_code(client, code_id, customerId=str(uuid4())))
    assert await db.fetchval("select count(*) from session") == 0


async def test_a_wrong_code_does_not_reveal_any_choices(client, family):
    code_id = await request_code(client, email="family@example.org")
    assert is_refused(await enter_code(client, code_id, wrong_code(code_id)))


async def test_a_customer_whose_address_has_changed_is_no_longer_a_choice(client, family):
    code_id = await request_code(client, email="family@example.org")
    await client.patch(f"/api/customers/{family[0]}", json={"email": "new@example.org"}, headers=ADMIN)
    assert is_refused(await enter_code(client, code_id, customerId=family[0]))
    assert (await enter_code(client, code_id)).json()["session"]["account"]["customerId"] == family[1]
