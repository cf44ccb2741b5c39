"""Signed-in patients can correct their own details."""

import re

import pytest

from appoint.http.access import PROOF_TTL
from appoint.kit import clock
from appoint.kit.signed_tokens import six_digit_code
from support.app import ADMIN
from support.patient_pages import CROSS_SITE, csrf_token_of, sign_in
from support.post import Office, Post
from support.staff import SECRET

PAGE = "/my/details"
CONFIRM = "/my/details/confirm"
NEW = {
    "name": "Ana Ibarra",
    "email": "ana.ibarra@example.org",
    "phone": "+49 30 12345678",
    "birthDate": "1988-05-17",
    "locale": "de",
}


@pytest.fixture
async def headers(client, practice):
    return await sign_in(client)


async def form_of(client, headers) -> dict[str, str]:
    page = (await client.get(PAGE, headers=headers)).text
    return {
        "csrf": await csrf_token_of(client, PAGE, headers),
        "version": re.search(r'name="version" value="(\d+)"', page)[1],
    }


async def customer(client, practice) -> dict:
    return (await client.get(f"/api/customers/{practice['customerId']}", headers=ADMIN)).json()


async def test_the_form_shows_what_is_stored(client, practice, headers):
    page = (await client.get(PAGE, headers=headers)).text
    assert [re.search(rf'<input[^>]+value="([^"]*)" id="{name}"', page)[1] for name in ("name", "email", "phone")] == [
        "Ana",
        "ana@example.org",
        "+4915112345678",
    ]
    assert PAGE in (await client.get("/my", headers=headers)).text


async def test_a_patient_can_correct_their_details(client, practice, headers):
    new = NEW | {"email": "ana@example.org", "phone": "+49 1511 2345678"}
    response = await client.post(PAGE, data=await form_of(client, headers) | new, headers=headers)
    assert (response.status_code, response.headers["Location"]) == (303, "/my?saved=1")
    assert "Your details have been saved." in (await client.get("/my?saved=1", headers=headers)).text
    stored = await customer(client, practice)
    assert {name: stored[name] for name in NEW} == new | {"phone": "+4915112345678"}


async def addresses(client, practice) -> tuple[str, str]:
    stored = await customer(client, practice)
    return stored["email"], stored["phone"]


async def enter(client, headers, channel: str, *, code: str | None = None):
    """Enter the code sent to a new address, or another one."""
    page = (await client.get(CONFIRM, headers=headers)).text
    ids = re.findall(r'name="id" value="([^"]+)"[^§]*?name="code-(\w+)"', page)
    (code_id,) = [id for id, each in ids if each == channel]
    fields = {
        "csrf": await csrf_token_of(client, CONFIRM, headers),
        "id": code_id,
        f"code-{channel}": code or six_digit_code(SECRET, "address", code_id),
    }
    return await client.post(CONFIRM, data=fields, headers=headers)


async def test_a_new_address_applies_once_its_code_has_been_entered(client, practice, headers, db):
    response = await client.post(PAGE, data=await form_of(client, headers) | NEW, headers=headers)
    assert (response.status_code, response.headers["Location"]) == (303, CONFIRM)
    assert await addresses(client, practice) == ("ana@example.org", "+4915112345678")
    assert (await enter(client, headers, "email")).headers["Location"] == CONFIRM
    assert await addresses(client, practice) == ("ana.ibarra@example.org", "+4915112345678")
    assert (await enter(client, headers, "sms")).headers["Location"] == "/my?saved=1"
    assert await addresses(client, practice) == ("ana.ibarra@example.org", "+493012345678")
    assert await db.fetchval("select num_nonnulls(email_confirmed_at, phone_confirmed_at) from customer") == 2


async def test_a_code_for_a_new_address_allows_five_attempts_and_works_once(client, practice, headers):
    await client.post(PAGE, data=await form_of(client, headers) | NEW, headers=headers)
    wrong = await enter(client, headers, "email", code="000000")
    assert (wrong.status_code, 'aria-invalid="true"' in wrong.text) == (400, True)
    for _ in range(4):
        await enter(client, headers, "email", code="000000")
    assert (await enter(client, headers, "email")).status_code == 400
    assert (await addresses(client, practice))[0] == "ana@example.org"


async def test_a_code_for_a_new_address_cannot_sign_in(client, practice, headers, db):
    await client.post(PAGE, data=await form_of(client, headers) | NEW, headers=headers)
    code_id = await db.fetchval("select id from sign_in_code where new_address = $1", NEW["email"])
    for purpose in ("address", "sign-in"):
        code = six_digit_code(SECRET, purpose, str(code_id))
        response = await client.post(f"/api/signInCodes/{code_id}/session", json={"code": code})
        assert response.status_code == 401


async def test_the_code_goes_to_the_new_address(client, practice, headers, db):
    await client.post(PAGE, data=await form_of(client, headers) | NEW, headers=headers)
    post = Post()
    await Office(db, post).send(clock.now())
    sent = {message.to: message for message in post.messages}
    assert set(sent) >= {NEW["email"], "+493012345678"}
    assert re.search(r"^\d{6}$", sent[NEW["email"]].text, re.MULTILINE)


async def test_a_field_can_be_emptied_but_one_address_must_remain(client, practice, headers):
    fields = await form_of(client, headers)
    neither = await client.post(PAGE, data=fields | NEW | {"email": "", "phone": ""}, headers=headers)
    assert (neither.status_code, 'aria-invalid="true"' in neither.text) == (400, True)
    assert "Ana Ibarra" in neither.text  # the patient's input is kept
    await client.post(PAGE, data=fields | {"name": "Ana", "email": "ana@example.org"}, headers=headers)
    stored = await customer(client, practice)
    assert (stored["email"], stored["phone"], stored["birthDate"]) == ("ana@example.org", None, None)


@pytest.mark.parametrize("change", [{"phone": ""}, {"email": "eve@example.org"}])
async def test_an_address_can_be_changed_only_shortly_after_signing_in(client, practice, headers, db, change):
    await db.execute("update session set created_at = created_at - $1::interval, proven_at = null", PROOF_TTL)
    assert "sign in again with a new code first" in (await client.get(PAGE, headers=headers)).text
    same = NEW | {"email": "ana@example.org", "phone": "+4915112345678"}
    fields = await form_of(client, headers)
    response = await client.post(PAGE, data=fields | same | change, headers=headers)
    assert (response.status_code, 'href="/sign-in?next=/my/details"' in response.text) == (403, True)
    assert await addresses(client, practice) == ("ana@example.org", "+4915112345678")
    assert (await client.post(PAGE, data=fields | same, headers=headers)).status_code == 303


@pytest.mark.parametrize(
    ("language", "typed", "stored"),
    [
        ("en", "17/05/1988", "1988-05-17"),
        ("en-GB", "03/04/1988", "1988-04-03"),
        ("en-US", "03/04/1988", "1988-03-04"),
        ("de", "3.4.1988", "1988-04-03"),
    ],
)
async def test_a_date_of_birth_is_understood_as_typed_in_the_patients_region(
    client, practice, headers, *, language, typed, stored
):
    same = NEW | {"email": "ana@example.org", "phone": "+4915112345678"}
    fields = await form_of(client, headers) | same | {"birthDate": typed}
    response = await client.post(PAGE, data=fields, headers=headers | {"Accept-Language": language})
    assert response.status_code == 303
    assert (await customer(client, practice))["birthDate"] == stored


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "),
        ("email", "ana"),
        ("phone", "12"),
        ("birthDate", "2999-01-01"),
        ("birthDate", "03/04/1988"),
        ("locale", "la"),
    ],
)
async def test_an_invalid_field_is_explained(client, practice, headers, field, value):
    response = await client.post(PAGE, data=await form_of(client, headers) | NEW | {field: value}, headers=headers)
    assert (response.status_code, re.findall(r'id="(\w+)-fault">[^<]', response.text)) == (400, [field])
    assert (await customer(client, practice))["name"] == "Ana"


async def test_a_concurrent_change_is_not_overwritten(client, practice, headers):
    fields = await form_of(client, headers)
    await client.patch(f"/api/customers/{practice['customerId']}", json={"name": "Ana Souza"}, headers=ADMIN)
    response = await client.post(PAGE, data=fields | NEW, headers=headers)
    assert (response.status_code, "have changed since you opened this page" in response.text) == (412, True)
    assert (await customer(client, practice))["name"] == "Ana Souza"


async def test_other_sites_cannot_send_the_form(client, practice, headers):
    fields = await form_of(client, headers)
    assert (await client.post(PAGE, data=fields | NEW, headers=headers | CROSS_SITE)).status_code == 403
    assert (await client.post(PAGE, data=fields | NEW | {"csrf": "x"}, headers=headers)).status_code == 403
    assert (await customer(client, practice))["name"] == "Ana"


async def test_visitors_have_to_sign_in_first(client):
    for path in (PAGE, "/my/erase"):
        response = await client.get(path)
        assert (response.status_code, response.headers["Location"].partition("?")[0]) == (303, "/sign-in")
