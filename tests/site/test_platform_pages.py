"""Administrators manage the platform's accounts and tokens on pages."""

from support.staff import add_user, bearer, works_at
from support.world import create_clinic


async def test_an_administrator_can_find_and_open_an_account(db, client):
    await create_clinic(client)
    await works_at(db, mia := await add_user(db))
    olga_id = await add_user(db, "olga@example.org", name="Olga Petrova", administrator=True)
    olga = await bearer(client, "olga@example.org")
    assert 'href="/staff/accounts"' in (await client.get("/staff", headers=olga)).text
    found = (await client.get("/staff/accounts", params={"email": "MIA@example.org"}, headers=olga)).text
    assert (f"/staff/accounts/{mia}" in found, f"/staff/accounts/{olga_id}" in found) == (True, False)
    administrators = (await client.get("/staff/accounts?administrators=1", headers=olga)).text
    assert f"/staff/accounts/{mia}" not in administrators
    page = (await client.get(f"/staff/accounts/{mia}", headers=olga)).text
    assert f"POST /api/users/{mia}/disable" in page
    assert "revokeAdministrator" not in page
    await client.post(f"/api/users/{mia}/disable", headers=olga)
    assert f"POST /api/users/{mia}/enable" in (await client.get(f"/staff/accounts/{mia}", headers=olga)).text


async def test_an_administrator_can_see_tokens_but_not_their_secrets(db, client):
    await add_user(db, "olga@example.org", administrator=True)
    olga = await bearer(client, "olga@example.org")
    token = (await client.post("/api/adminTokens", json={"name": "Backup check"}, headers=olga)).json()
    page = (await client.get("/staff/admin-tokens", headers=olga)).text
    assert f"DELETE /api/adminTokens/{token['id']}" in page
    assert token["token"].split("_", 2)[2] not in page


async def test_managers_cannot_see_the_platforms_pages(db, client):
    await create_clinic(client)
    await works_at(db, mia := await add_user(db))
    manager = await bearer(client)
    for path in ("/staff/accounts", f"/staff/accounts/{mia}", "/staff/admin-tokens"):
        assert (await client.get(path, headers=manager)).status_code == 403
    assert "/staff/accounts" not in (await client.get("/staff/account", headers=manager)).text
