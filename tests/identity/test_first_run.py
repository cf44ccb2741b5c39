"""On a new installation, the first page creates the administrator and the first clinic, but strangers cannot use it."""

import asyncio
from datetime import timedelta

import pytest

from appoint.http.access import COOKIE
from appoint.identity.setup.model import CODE_TTL, setup_code
from appoint.kit import clock
from support.app import client_of, composed
from support.staff import SECRET, add_user, sign_in, works_at
from support.world import create_clinic

PASSWORD = "four quiet boats at dawn"
FORM = {
    "administrator": "Lena Sommer",
    "email": "Lena@sommergarten.example",
    "password": PASSWORD,
    "name": "Praxis für Kinder",
    "timeZone": "Europe/Zurich",
    "locale": "de",
}


@pytest.fixture
async def stranger(db, database_url):
    """A client on another machine."""
    async with client_of(composed(database_url), address="198.51.100.7") as client:
        yield client


async def count_administrators(db) -> int:
    return await db.fetchval("select count(*) from app_user where administrator")


async def test_the_first_page_creates_a_signed_in_administrator_who_manages_the_clinic(db, client):
    created = await client.post("/setup", data=FORM)
    assert (created.status_code, created.headers["Location"]) == (303, "/staff/1/setup")
    token = created.headers["Set-Cookie"].partition(f"{COOKIE}=")[2].partition(";")[0]
    account = (await client.get("/api/account", headers={"Authorization": f"Bearer {token}"})).json()
    assert (account["email"], account["administrator"], account["memberships"]) == (
        "lena@sommergarten.example",
        True,
        [{"clinicId": 1, "role": "manager", "doctorId": None}],
    )
    clinic = (await client.get("/api/clinics/1")).json()
    assert (clinic["slug"], clinic["currency"], clinic["locale"]) == ("praxis-fuer-kinder", "CHF", "de")
    assert (await sign_in(client, FORM["email"], PASSWORD)).status_code == 201
    entries = await db.fetch("select clinic_id, action from audit_unsealed where action = 'setUpByForm'")
    assert {entry.clinic_id for entry in entries} == {0, 1}


async def test_the_page_no_longer_exists_once_there_is_an_administrator(db, client):
    await db.execute("update app_user set administrator = true, disabled_at = now() where id = $1", await add_user(db))
    assert (await client.get("/setup")).status_code == 404
    assert (await client.post("/setup", data=FORM)).status_code == 404
    assert (await client.get(f"/setup/{setup_code(SECRET, clock.now())}")).status_code == 404


async def test_a_stranger_needs_the_link(db, stranger):
    page = await stranger.get("/setup")
    assert (page.status_code, "appoint setup-link" in page.text, "<form" in page.text) == (200, True, False)
    refused = await stranger.post("/setup", data=FORM)
    assert (refused.status_code, await count_administrators(db)) == (403, 0)
    code = setup_code(SECRET, clock.now())
    assert f'name="code" value="{code}"' in (await stranger.get(f"/setup/{code}")).text
    assert (await stranger.post("/setup", data={**FORM, "code": code})).status_code == 303
    assert await count_administrators(db) == 1


async def test_production_requires_the_link_even_on_the_same_machine(db, database_url):
    changes = {
        "mode": "production",
        "public_url": "https://appoint.example",
        "secret_key": "Zq7vK2mX9pL4tR8wN3yB6cH1",
        "without_tls": "database,smtp",
    }
    async with client_of(composed(database_url, **changes), base_url="https://appoint.example") as client:
        assert (await client.post("/setup", data=FORM)).status_code == 403
        code = setup_code(changes["secret_key"], clock.now())
        assert (await client.post("/setup", data={**FORM, "code": code})).status_code == 303


@pytest.mark.parametrize("code", ["", "nonsense", setup_code("another key", clock.now())], ids=["none", "text", "key"])
async def test_a_made_up_code_is_refused(db, stranger, code):
    assert (await stranger.post("/setup", data={**FORM, "code": code})).status_code == 403
    assert await count_administrators(db) == 0


async def test_a_link_expires_after_a_day(db, stranger):
    old = setup_code(SECRET, clock.now() - CODE_TTL - timedelta(seconds=1))
    assert "expired or is incomplete" in (await stranger.get(f"/setup/{old}")).text
    assert (await stranger.post("/setup", data={**FORM, "code": old})).status_code == 403


async def test_another_site_cannot_send_the_form(db, client):
    refused = await client.post("/setup", data=FORM, headers={"Sec-Fetch-Site": "cross-site"})
    assert (refused.status_code, await count_administrators(db)) == (403, 0)


async def test_only_one_of_two_concurrent_forms_succeeds(db, client):
    forms = [{**FORM, "email": f"{name}@example.org", "slug": name} for name in ("lena", "mia")]
    responses = await asyncio.gather(*(client.post("/setup", data=form) for form in forms))
    assert sorted(response.status_code for response in responses) == [303, 404]
    assert (await count_administrators(db), await db.fetchval("select count(*) from clinic")) == (1, 1)


async def test_the_form_cannot_take_over_an_existing_account(db, client):
    await create_clinic(client)
    await works_at(db, await add_user(db, FORM["email"].lower()))
    refused = await client.post("/setup", data=FORM)
    assert (refused.status_code, "already has an account" in refused.text) == (400, True)
    assert await count_administrators(db) == 0


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"administrator": " "}, "Your name must not be empty"),
        ({"email": "lena"}, "Email address"),
        ({"password": "Kinder-Sommer-Lena-x"}, "much of it is a name or address that others know"),
        ({"name": ""}, "Clinic name must not be empty"),
        ({"slug": "Kinder Praxis"}, "Address of your booking page is not in the required format"),
        ({"timeZone": "Europe/Atlantis"}, "Time zone"),
    ],
)
async def test_a_fault_is_shown_at_its_field_and_nothing_is_created(db, client, change, fault):
    refused = await client.post("/setup", data={**FORM, **change})
    assert (refused.status_code, fault in refused.text, PASSWORD in refused.text) == (400, True, False)
    assert await db.fetchval("select count(*) from clinic") == 0


async def test_the_home_page_of_an_empty_installation_leads_to_its_set_up(db, client):
    assert 'href="/setup"' in (await client.get("/")).text
    await create_clinic(client)
    assert 'href="/setup"' not in (await client.get("/")).text
