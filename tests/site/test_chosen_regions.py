"""People can choose the region whose formats pages and messages follow, instead of the one that their browser names."""

import pytest

from appoint.http.languages import REGION_COOKIE
from support.app import ADMIN
from support.patient_pages import csrf_token_of, sign_in
from support.staff import add_user, works_at
from support.staff import sign_in as sign_in_as_staff
from support.world import create_clinic

BRITISH = {"Accept-Language": "en-GB"}
DETAILS = "/my/details"


def cookies_of(response) -> dict[str, str]:
    """Return the values of the cookies that a response sets."""
    pairs = (cookie.partition(";")[0].partition("=") for cookie in response.headers.get_list("Set-Cookie"))
    return {name: value for name, _, value in pairs}


async def save(client, headers, **fields: str):
    page = (await client.get(DETAILS, headers=headers)).text
    version = page.partition('name="version" value="')[2].partition('"')[0]
    form = {
        "csrf": await csrf_token_of(client, DETAILS, headers),
        "version": version,
        "name": "Ana",
        "email": "ana@example.org",
        "phone": "+4915112345678",
    }
    response = await client.post(DETAILS, data=form | fields, headers=headers)
    assert response.status_code == 303, response.text
    return response


async def test_a_patient_chooses_a_region_for_pages_and_messages(client, db, practice):
    headers = await sign_in(client)
    response = await save(client, headers, locale="de", region="AT")
    assert cookies_of(response) == {"language": "de", REGION_COOKIE: "AT"}
    stored = (await client.get(f"/api/customers/{practice['customerId']}", headers=ADMIN)).json()
    assert (stored["locale"], stored["region"]) == ("de", "AT")
    assert '<option value="AT" selected>' in (await client.get(DETAILS, headers=headers)).text
    assert cookies_of(await save(client, headers))[REGION_COOKIE] == '""'
    assert await db.fetchval("select region from customer where id = $1", practice["customerId"]) is None


async def test_pages_follow_the_chosen_region_instead_of_the_browsers(client):
    await create_clinic(client, name="Lakeside")
    week = "/staff/1/hours"
    assert '<html lang="en-GB"' in (await client.get(week, headers=ADMIN | BRITISH)).text
    chosen = ADMIN | BRITISH | {"Cookie": f"{REGION_COOKIE}=US"}
    assert '<html lang="en-US"' in (await client.get(week, headers=chosen)).text
    unknown = ADMIN | BRITISH | {"Cookie": f"{REGION_COOKIE}=%22"}
    assert '<html lang="en-GB"' in (await client.get(week, headers=unknown)).text


async def test_a_users_region_follows_them_to_another_browser(client, db):
    await create_clinic(client)
    await works_at(db, await add_user(db, "mia@example.org"), 1, "manager")
    assert REGION_COOKIE not in cookies_of(await sign_in_as_staff(client, cookie=True))
    client.cookies.clear()
    headers = {"Authorization": f"Bearer {(await sign_in_as_staff(client)).json()['token']}"}
    response = await client.patch("/api/account", json={"locale": "de", "region": "CH"}, headers=headers)
    assert (response.json()["region"], cookies_of(response)) == ("CH", {})
    assert '<option value="CH" selected>' in (await client.get("/staff/account", headers=headers)).text
    cookies = cookies_of(await sign_in_as_staff(client, cookie=True))
    assert (cookies["language"], cookies[REGION_COOKIE]) == ("de", "CH")


@pytest.mark.parametrize("region", ["UKR", "gb", "ZZ", ""])
async def test_only_countries_are_regions(client, db, region):
    await create_clinic(client)
    await works_at(db, await add_user(db, "mia@example.org"), 1, "manager")
    headers = {"Authorization": f"Bearer {(await sign_in_as_staff(client)).json()['token']}"}
    response = await client.patch("/api/account", json={"region": region}, headers=headers)
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "#/region")
