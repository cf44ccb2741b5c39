"""Signed-in patients can correct their own details."""

import re

import pytest

from support.app import ADMIN
from support.patient_pages import CROSS_SITE, csrf_token_of, sign_in

PAGE = "/my/details"
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
    response = await client.post(PAGE, data=await form_of(client, headers) | NEW, headers=headers)
    assert (response.status_code, response.headers["Location"]) == (303, "/my?saved=1")
    assert "Your details have been saved." in (await client.get("/my?saved=1", headers=headers)).text
    stored = await customer(client, practice)
    assert {name: stored[name] for name in NEW} == NEW | {"phone": "+493012345678"}


async def test_a_field_can_be_emptied_but_one_address_must_remain(client, practice, headers):
    fields = await form_of(client, headers)
    neither = await client.post(PAGE, data=fields | NEW | {"email": "", "phone": ""}, headers=headers)
    assert (neither.status_code, 'aria-invalid="true"' in neither.text) == (400, True)
    assert "Ana Ibarra" in neither.text  # the patient's input is kept
    await client.post(PAGE, data=fields | {"name": "Ana", "email": "ana@example.org"}, headers=headers)
    stored = await customer(client, practice)
    assert (stored["email"], stored["phone"], stored["birthDate"]) == ("ana@example.org", None, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", " "), ("email", "ana"), ("phone", "12"), ("birthDate", "2999-01-01"), ("locale", "la")],
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
