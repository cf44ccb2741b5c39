"""Managers and administrators disable users, sign them out, and revoke administrator rights."""

import asyncio

import pytest

from support.accounts import NEW_PASSWORD, USERS, WRONG, get_status, link_token, mailed_tokens, set_password
from support.app import ADMIN
from support.audit import unsealed
from support.staff import add_user, bearer, sign_in, type_of, works_at
from support.world import create_clinic

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
RITA = "rita@example.org"


@pytest.fixture
async def rita(db, mia):
    """A receptionist at the clinic that Mia manages."""
    user_id = await add_user(db, RITA)
    await works_at(db, user_id, role="receptionist")
    return user_id


# at one clinic


async def test_a_disabled_user_is_signed_out_and_has_no_access_to_the_clinic(client, manager, rita):
    own = await bearer(client, RITA)
    disabled = await client.post(f"{USERS}/{rita}/disable", headers=manager)
    assert (disabled.status_code, disabled.json()["disabledAt"] is None) == (200, False)
    assert await get_status(client, own) == 401
    again = await bearer(client, RITA)
    assert await get_status(client, again, "/api/clinics/1/bookings") == 403
    assert (await client.get("/api/account", headers=again)).json()["memberships"] == []
    enabled = await client.post(f"{USERS}/{rita}/enable", headers=manager)
    assert enabled.json()["disabledAt"] is None
    assert await get_status(client, again, "/api/clinics/1/bookings") == 200


async def test_a_clinic_cannot_disable_a_user_at_another_clinic(db, client, manager, rita):
    await create_clinic(client)
    await works_at(db, rita, 2, "receptionist")
    await client.post(f"{USERS}/{rita}/disable", headers=manager)
    own = await bearer(client, RITA)
    assert await get_status(client, own, "/api/clinics/1/bookings") == 404
    assert await get_status(client, own, "/api/clinics/2/bookings") == 200
    olga = await add_user(db, "olga@example.org")
    await works_at(db, olga, 2)
    for method, path in (
        ("POST", "/disable"),
        ("POST", "/enable"),
        ("GET", "/sessions"),
        ("DELETE", "/sessions"),
    ):
        for address in (f"{USERS}/{olga}", f"/api/clinics/2/users/{olga}"):
            assert (await client.request(method, address + path, headers=manager)).status_code == 404, address


async def test_the_last_manager_with_access_cannot_be_disabled(db, client, manager, mia):
    assert type_of(await client.post(f"{USERS}/{mia}/disable", headers=manager)) == (409, "last-manager")
    await works_at(db, second := await add_user(db, "second@example.org"))
    assert (await client.post(f"{USERS}/{second}/disable", headers=manager)).status_code == 200
    assert type_of(await client.delete(f"{USERS}/{mia}", headers=manager)) == (409, "last-manager")
    assert (await client.delete(f"{USERS}/{second}", headers=manager)).status_code == 204


async def test_two_managers_cannot_disable_each_other_at_once(db, client, manager, mia):
    await works_at(db, second := await add_user(db, "second@example.org"))
    other = await bearer(client, "second@example.org")
    responses = await asyncio.gather(
        client.post(f"{USERS}/{second}/disable", headers=manager), client.post(f"{USERS}/{mia}/disable", headers=other)
    )
    assert min(response.status_code for response in responses) == 200
    left = await db.fetchval("select count(*) from membership where role = 'manager' and disabled_at is null")
    assert left == 1


async def test_a_manager_can_see_a_users_devices_and_end_all_their_sessions(db, client, manager, rita):
    own = {"Authorization": f"Bearer {(await sign_in(client, RITA, headers={'User-Agent': FIREFOX})).json()['token']}"}
    listed = (await client.get(f"{USERS}/{rita}/sessions", headers=manager)).json()["items"]
    assert [(session["device"], session["address"], session["current"]) for session in listed] == [
        ("Firefox, Linux", "127.0.0.1", False)
    ]
    page = (await client.get(f"/staff/1/users/{rita}", headers=manager)).text
    assert "Firefox, Linux" in page
    assert (await client.delete(f"{USERS}/{rita}/sessions", headers=manager)).status_code == 204
    assert await get_status(client, own) == 401
    assert (await client.get(f"{USERS}/{rita}/sessions", headers=manager)).json()["items"] == []
    assert (await unsealed(db))[-2]["action"] == "signOutUser"


async def test_a_receptionist_cannot_disable_anyone_or_see_their_devices(client, rita, mia):
    own = await bearer(client, RITA)
    assert (await client.post(f"{USERS}/{mia}/disable", headers=own)).status_code == 403
    assert (await client.get(f"{USERS}/{mia}/sessions", headers=own)).status_code == 403
    assert (await client.delete(f"{USERS}/{mia}/sessions", headers=own)).status_code == 403


# everywhere


async def test_a_disabled_account_cannot_sign_in_or_choose_a_password(db, client, rita, office):
    own = await bearer(client, RITA)
    token = await link_token(db, RITA)
    disabled = await client.post(f"/api/users/{rita}/disable", headers=ADMIN)
    assert (disabled.status_code, disabled.json()["clinicIds"]) == (200, [1])
    assert await get_status(client, own) == 401
    assert type_of(await sign_in(client, RITA)) == WRONG
    assert type_of(await set_password(client, token)) == (409, "link-used")
    await client.post("/api/passwordResets", json={"email": RITA})
    assert await mailed_tokens(office) == []
    assert (await client.post(f"/api/users/{rita}/enable", headers=ADMIN)).json()["disabledAt"] is None
    assert type_of(await set_password(client, token, NEW_PASSWORD)) == (409, "link-used")
    assert (await sign_in(client, RITA)).status_code == 201


async def test_an_administrator_whose_rights_are_revoked_is_an_ordinary_user(db, client, manager, mia):
    olga = await add_user(db, "olga@example.org", administrator=True)
    own = await bearer(client, "olga@example.org")
    assert await get_status(client, own, "/api/users?administrator=true") == 200
    revoked = await client.post(f"/api/users/{olga}/revokeAdministrator", headers=own)
    assert (revoked.status_code, revoked.json()["administrator"]) == (200, False)
    assert await get_status(client, own) == 401
    assert await get_status(client, await bearer(client, "olga@example.org"), "/api/users") == 403
    assert await get_status(client, manager, "/api/users") == 403


async def test_administrators_can_find_an_account_by_its_address(client, rita):
    accounts = (await client.get("/api/users", params={"email": "RITA@example.org"}, headers=ADMIN)).json()["items"]
    assert [account["id"] for account in accounts] == [str(rita)]
    assert (await client.get(f"/api/users/{rita}", headers=ADMIN)).json() == accounts[0]
    own = await bearer(client, RITA)
    assert (await client.delete(f"/api/users/{rita}/sessions", headers=ADMIN)).status_code == 204
    assert await get_status(client, own) == 401


async def test_operators_disable_enable_sign_out_and_revoke_on_the_command_line(db, client, run_command, rita):
    await db.execute("update app_user set administrator = true where id = $1", rita)
    own = await bearer(client, RITA)
    assert (await run_command("user", "sign-out", RITA)).code == 0
    assert await get_status(client, own) == 401
    assert (await run_command("user", "revoke-administrator", RITA)).errors == f"{RITA} is not an administrator."
    assert (await sign_in(client, RITA)).json()["account"]["administrator"] is False
    assert (await run_command("user", "disable", RITA)).errors == f"{RITA} can no longer sign in."
    assert type_of(await sign_in(client, RITA)) == WRONG
    assert (await run_command("user", "enable", "Rita@example.org")).code == 0
    assert (await sign_in(client, RITA)).status_code == 201
    actions = [entry["action"] for entry in await unsealed(db) if entry["actor"] == "command-line"]
    assert actions == ["signOutAccount", "revokeAdministrator", "disableAccount", "enableAccount"]
    assert (await run_command("user", "disable", "nobody@example.org")).code == 1
