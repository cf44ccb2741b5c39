"""Patients sign in with a code sent to their address, and sign out."""

import re

import pytest

from appoint.http.rate_limits.sign_in_throttle import FROM_ONE_NETWORK
from support.patient_pages import (
    CROSS_SITE,
    audit_entries,
    code_for,
    code_id_of,
    csrf_token_of,
    request_code,
    sign_in,
)
from support.statements import StatementCounter
from support.world import create_clinic, create_customer

COUNT_CODES = "select count(*) from notification where kind = 'sign-in-code'"


async def test_the_response_does_not_reveal_whether_an_address_is_registered(db, client, practice):
    code_pages = await request_code(client), await request_code(client, "nobody@example.org")
    texts = {re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "", (await client.get(page)).text) for page in code_pages}
    assert len(texts) == 1
    assert await db.fetchval(COUNT_CODES) == 1


@pytest.mark.parametrize("address", ["Ana@Example.org ", "+49 151 12345678", "0151 12345678"])
async def test_addresses_are_understood_however_people_write_them(db, client, practice, address):
    await client.post("/sign-in", data={"address": address}, headers={"Accept-Language": "de"})
    assert await db.fetchval(COUNT_CODES) == 1


@pytest.mark.parametrize("address", ["", "ana", "ana@", "12", "@", "x" * 300])
async def test_an_invalid_address_is_marked_in_its_field(client, practice, address):
    response = await client.post("/sign-in", data={"address": address})
    assert response.status_code == 400
    assert 'aria-invalid="true"' in response.text
    assert f'value="{address}"' in response.text


@pytest.mark.parametrize(("code", "status"), [("12", 400), ("abcdef", 400), ("", 400), ("wrong", 401)])
async def test_an_invalid_code_is_marked_in_its_field(client, practice, code, status):
    code_page = await request_code(client)
    wrong_code = f"{(int(code_for(code_page)) + 1) % 1_000_000:06}"
    response = await client.post(code_page, data={"code": wrong_code if code == "wrong" else code})
    assert response.status_code == status
    assert 'aria-invalid="true"' in response.text
    assert "Set-Cookie" not in response.headers


async def test_a_code_works_once_and_can_contain_spaces(client, practice):
    code_page = await request_code(client)
    code = f"{code_for(code_page)[:3]} {code_for(code_page)[3:]}"
    assert [(await client.post(code_page, data={"code": code})).status_code for _ in range(2)] == [303, 401]


@pytest.mark.usefixtures("still_clock")
async def test_too_many_code_requests_are_refused_on_the_page(client, practice):
    for _ in range(FROM_ONE_NETWORK[0].most + 1):
        response = await client.post("/sign-in", data={"address": "ana@example.org"})
    assert response.status_code == 429
    assert 'role="alert"' in response.text
    assert int(response.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("next_page", "location"),
    [("/my?lang=de", "/my?lang=de"), ("//evil.example", "/my"), ("https://evil.example", "/my"), ("/\\evil", "/my")],
)
async def test_signing_in_redirects_to_the_requested_page_but_never_to_another_site(
    client, practice, next_page, location
):
    code_page = await request_code(client, next=next_page)
    response = await client.post(code_page, data={"code": code_for(code_page), "next": next_page})
    assert response.headers["Location"] == location


async def test_a_patient_page_redirects_to_sign_in_when_signed_out(client):
    assert (await client.get("/my")).headers["Location"] == "/sign-in?next=%2Fmy"


async def test_signing_in_through_another_sites_form_is_refused(db, client, practice):
    code_page = await request_code(client)
    for address, fields in (
        (code_page, {"code": code_for(code_page)}),
        ("/sign-in", {"address": "ana@example.org"}),
    ):
        assert (await client.post(address, data=fields, headers=CROSS_SITE)).status_code == 403
    assert await db.fetchval("select count(*) from session") == 0


async def test_signing_in_is_recorded_in_the_audit_log(db, client, practice):
    code_page = await request_code(client)
    await client.post(code_page, data={"code": code_for(code_page)})
    assert [entry[1:] for entry in await audit_entries(db, "%Form")] == [
        ("sendSignInCodeByForm", []),
        ("signInByCodeForm", [code_id_of(code_page), practice["customerId"]]),
    ]


async def test_signing_out_requires_the_pages_csrf_token(db, client, practice):
    session = await sign_in(client)
    token = await csrf_token_of(client, "/my", session)
    for fields, headers in (({}, {}), ({"csrf": "x"}, {}), ({"csrf": token}, CROSS_SITE)):
        refusal = await client.post("/sign-out", data=fields, headers={**session, **headers})
        assert refusal.status_code == 403
        assert "<h1>" in refusal.text
    assert await db.fetchval("select count(*) from session") == 1
    response = await client.post("/sign-out", data={"csrf": token}, headers=session)
    assert response.headers["Location"] == "/"
    assert await db.fetchval("select count(*) from session") == 0


async def test_signing_out_without_a_session_links_to_sign_in(client):
    response = await client.post("/sign-out")
    assert response.status_code == 401
    assert 'href="/sign-in"' in response.text


@pytest.mark.parametrize("language", ["de", "fr", "en", None])
async def test_a_number_without_a_country_code_is_looked_up_in_the_clinics_countries(db, client, language):
    """The number would be valid in Germany too, which the page's language suggests."""
    await create_clinic(client, timeZone="Europe/Zurich")
    await create_customer(client, phone="079 123 45 67", timeZone="Europe/Zurich")
    headers = {"Accept-Language": language} if language else {}
    response = await client.post("/sign-in", data={"address": "079 123 45 67"}, headers=headers)
    assert response.status_code == 303
    assert await db.fetchval(COUNT_CODES) == 1


async def test_unknown_and_known_numbers_run_the_same_number_of_statements(client, practice, monkeypatch):
    """Otherwise, response times could reveal whether someone is a patient."""
    counter, counts = StatementCounter(monkeypatch), []
    for number in ("0151 12345678", "0151 12345679"):
        counter.count = 0
        await client.post("/sign-in", data={"address": number}, headers={"Accept-Language": "de"})
        counts.append(counter.count)
    assert counts[0] == counts[1]
