"""Signed-in patients cannot change their own address without the code sent to the new one."""

import pytest

from appoint.http.access import PROOF_TTL
from appoint.kit import clock
from support.app import ADMIN
from support.patient_pages import sign_in
from support.staff import type_of
from support.world import create_customer

REFUSED = (409, "address-needs-code")


@pytest.fixture
async def ana(client) -> str:
    return await create_customer(client, name="Ana", email="ana@example.org", phone="+4915112345678")


@pytest.fixture
async def headers(client, ana):
    cookie = (await sign_in(client, "ana@example.org"))["Cookie"]
    client.cookies.clear()
    return {"Authorization": f"Bearer {cookie.partition('=')[2]}"}


async def details(client, id: str) -> tuple[str, str, str]:
    body = (await client.get(f"/api/customers/{id}", headers=ADMIN)).json()
    return body["name"], body["email"], body["phone"]


@pytest.mark.parametrize("change", [{"email": "eve@example.org"}, {"phone": "+4915112345679"}])
async def test_a_session_cannot_patch_or_replace_its_own_address(client, ana, headers, change):
    path = f"/api/customers/{ana}"
    assert type_of(await client.patch(path, json={"name": "Eve"} | change, headers=headers)) == REFUSED
    whole = {"name": "Eve", "email": "ana@example.org", "phone": "+4915112345678"} | change
    assert type_of(await client.put(path, json=whole, headers=headers)) == REFUSED
    assert await details(client, ana) == ("Ana", "ana@example.org", "+4915112345678")


async def test_a_session_can_change_everything_else(client, ana, headers):
    change = {"name": "Ana Souza", "email": "Ana@example.org", "phone": "+49 1511 2345678"}
    response = await client.patch(f"/api/customers/{ana}", json=change, headers=headers)
    assert response.status_code == 200, response.text
    assert await details(client, ana) == ("Ana Souza", "Ana@example.org", "+4915112345678")


async def test_an_administrator_can_still_change_any_address(client, ana):
    response = await client.patch(f"/api/customers/{ana}", json={"email": "new@example.org"}, headers=ADMIN)
    assert response.json()["email"] == "new@example.org"


async def test_a_session_deletes_its_own_address_only_with_a_recent_code(client, ana, headers, db):
    path, whole = f"/api/customers/{ana}", {"name": "Ana", "phone": "+4915112345678"}
    await db.execute("update session set created_at = created_at - $1::interval, proven_at = null", PROOF_TTL)
    for response in (
        await client.patch(path, json={"email": None}, headers=headers),
        await client.put(path, json=whole, headers=headers),
        await client.delete(path, headers=headers),
    ):
        assert type_of(response) == (403, "proof-required")
    assert (await client.patch(path, json={"name": "Ana Souza"}, headers=headers)).status_code == 200
    await db.execute("update session set proven_at = $1", clock.now())
    assert (await client.patch(path, json={"email": None}, headers=headers)).json()["email"] is None
