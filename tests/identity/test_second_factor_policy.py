"""Clinics and operators can require a second factor; users who don't have one must set it up first."""

import pytest

from support.accounts import get_status
from support.api_keys import create_key, key_header
from support.app import ADMIN, client_of, composed
from support.authenticators import Authenticator, proof, register, sign_in_with
from support.staff import add_user, bearer, sign_in, type_of, works_at
from support.world import create_clinic

RULES = "/api/clinics/1/signInRules"
USERS = "/api/clinics/1/users"
REQUIRED = (403, "second-factor-required")
SET_UP = "/staff/second-factor"


async def require(client, headers, clinic_id: int = 1, *, second_factor: bool = True) -> None:
    rules = {"secondFactor": second_factor}
    changed = await client.put(f"/api/clinics/{clinic_id}/signInRules", json=rules, headers=headers)
    assert (changed.status_code, changed.json()) == (200, rules)


async def test_a_second_factor_is_optional_until_a_manager_requires_it(client, manager):
    assert (await client.get(RULES, headers=manager)).json() == {"secondFactor": False}
    await require(client, manager)
    assert type_of(await client.get(USERS, headers=manager)) == REQUIRED
    assert type_of(await client.post("/api/appointments", json={}, headers=manager))[0] == 400


async def test_users_without_a_second_factor_set_one_up_and_continue(client, manager):
    await require(client, manager)
    assert (await register(client, manager, Authenticator())).status_code == 201
    assert await get_status(client, manager, USERS) == 200


async def test_a_passkey_counts_as_both_factors(client, manager):
    phone = Authenticator()
    await register(client, manager, phone)
    await require(client, manager)
    session = {"Authorization": f"Bearer {(await sign_in_with(client, phone)).json()['token']}"}
    assert await get_status(client, session, USERS) == 200


async def test_a_recovery_code_counts_as_a_second_factor(client, manager):
    codes = (await register(client, manager, Authenticator())).json()["recoveryCodes"]
    await require(client, manager)
    assert await get_status(client, await bearer(client, recoveryCode=codes[0]), USERS) == 200


async def test_removing_the_last_second_factor_takes_effect_immediately(client, manager):
    passkey = (await register(client, manager, Authenticator())).json()
    await require(client, manager)
    await client.delete(f"/api/account/passkeys/{passkey['id']}", headers=manager)
    assert type_of(await client.get(USERS, headers=manager)) == REQUIRED


async def test_a_session_without_a_second_factor_can_use_an_existing_one(db, client, manager):
    phone = Authenticator()
    await register(client, manager, phone)
    await require(client, manager)
    await db.execute("update session set second_factor = false")
    assert type_of(await client.get(USERS, headers=manager)) == REQUIRED
    content = {"passkey": await proof(client, phone, manager)}
    assert (await client.post("/api/sessions/current/proof", json=content, headers=manager)).status_code == 204
    assert await get_status(client, manager, USERS) == 200


async def test_only_the_clinic_that_requires_one_refuses_access(db, client, mia, manager):
    second = await create_clinic(client, name="Hillside")
    await works_at(db, mia, second)
    await require(client, manager)
    assert type_of(await client.get(USERS, headers=manager)) == REQUIRED
    assert await get_status(client, manager, f"/api/clinics/{second}/users") == 200


async def test_users_keep_access_to_their_own_account(client, manager):
    await require(client, manager)
    assert await get_status(client, manager) == 200
    assert await get_status(client, manager, "/api/sessions") == 200


async def test_keys_and_administrators_tokens_are_not_affected(db, client, manager):
    key = key_header((await create_key(client, scopes=["see-absences"])).json()["key"])
    await require(client, manager)
    assert await get_status(client, key, "/api/clinics/1/absences") == 200
    assert await get_status(client, ADMIN, USERS) == 200


async def test_pages_lead_to_the_set_up_and_back(client, manager):
    assert (await client.get(SET_UP, headers=manager)).headers["Location"] == "/staff"
    await require(client, manager)
    page = await client.get("/staff/1/users?after=x", headers=manager)
    assert (page.status_code, page.headers["Location"]) == (303, f"{SET_UP}?next=%2Fstaff%2F1%2Fusers%3Fafter%3Dx")
    assert (await client.get("/staff", headers=manager)).headers["Location"] == SET_UP
    set_up = (await client.get(page.headers["Location"], headers=manager)).text
    assert "Set up a second factor" in set_up
    assert 'data-done="/staff/1/users?after=x"' in set_up
    await register(client, manager, Authenticator())
    assert (await client.get(page.headers["Location"], headers=manager)).headers["Location"] == "/staff/1/users?after=x"


async def test_the_page_asks_for_an_existing_second_factor(db, client, manager):
    await register(client, manager, Authenticator())
    await require(client, manager)
    await db.execute("update session set second_factor = false")
    page = (await client.get(SET_UP, headers=manager)).text
    assert ("Use your second factor" in page, 'data-passkey="prove"' in page) == (True, True)


async def test_managers_see_who_has_no_second_factor(db, client, manager):
    await works_at(db, await add_user(db, "nora@example.org", name="Nora New"), role="receptionist")
    await register(client, manager, Authenticator())
    users = (await client.get(USERS, headers=manager)).json()["items"]
    assert {user["name"]: user["secondFactor"] for user in users} == {"Mia Klein": True, "Nora New": False}
    page = (await client.get("/staff/1/users/sign-in", headers=manager)).text
    assert ("Nora New" in page, "Mia Klein</a></li>" in page) == (True, False)


async def test_only_managers_change_the_rules_and_only_after_a_recent_proof(db, client, manager, time):
    await works_at(db, await add_user(db, "nora@example.org"), role="receptionist")
    reception = await bearer(client, "nora@example.org")
    assert type_of(await client.put(RULES, json={"secondFactor": True}, headers=reception)) == (403, "forbidden")
    time.passes(minutes=11)
    assert type_of(await client.put(RULES, json={"secondFactor": True}, headers=manager)) == (403, "proof-required")


@pytest.mark.parametrize(
    ("settings", "status"),
    [({}, 200), ({"admin_second_factor": True}, 403), ({"mode": "production"}, 403)],
)
async def test_administrators_need_a_second_factor_in_production_mode_or_if_the_operator_says_so(
    db, database_url, settings, status
):
    await add_user(db, "olga@example.org", administrator=True)
    if settings.get("mode") == "production":
        settings = settings | {"public_url": "http://testserver.local"}
    async with client_of(composed(database_url, **settings)) as client:
        olga = await bearer(client, "olga@example.org")
        assert await get_status(client, olga, "/api/users") == status
        await register(client, olga, Authenticator())
        assert await get_status(client, olga, "/api/users") == 200


@pytest.mark.parametrize("settings", [{}, {"admin_networks": "192.0.2.0/24"}])
async def test_administrators_need_a_second_factor_for_their_roles_at_clinics_too(db, client, database_url, settings):
    await create_clinic(client)
    olga = await add_user(db, "olga@example.org", administrator=True)
    await works_at(db, olga, 1)
    settings = {"mode": "production", "public_url": "http://testserver.local"} | settings
    async with client_of(composed(database_url, **settings)) as production:
        session = await bearer(production, "olga@example.org")
        for path in (USERS, "/api/clinics/1/patients"):
            assert type_of(await production.get(path, headers=session))[0] == 403
        key = {"label": "Phone system", "scopes": ["see-absences"]}
        assert (await production.post("/api/clinics/1/apiKeys", json=key, headers=session)).status_code == 403
        assert (await production.get("/staff/1/users", headers=session)).status_code in (303, 403)
        await register(production, session, Authenticator())
        assert await get_status(production, session, USERS) == 200


async def test_administrators_do_not_need_one_in_production_mode_if_the_operator_says_so(db, database_url):
    await add_user(db, "olga@example.org", administrator=True)
    app = composed(database_url, mode="production", admin_second_factor=False)
    async with client_of(app) as client:
        assert await get_status(client, await bearer(client, "olga@example.org"), "/api/users") == 200
        assert (await sign_in(client, "olga@example.org")).json()["account"]["administrator"] is True
