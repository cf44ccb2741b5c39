"""Administrators have named tokens that expire, and the shared one can be switched off."""

import json

import pytest

from appoint.identity.admin_tokens.model import MAX_DAYS, MAX_TOKENS
from support.accounts import get_status
from support.app import ADMIN, client_of, composed
from support.audit import unsealed
from support.staff import type_of
from support.world import create_clinic

TOKENS = "/api/adminTokens"


async def create(client, **content) -> tuple[dict, dict[str, str]]:
    """Create a token. Return it with the headers for authenticating with it."""
    response = await client.post(TOKENS, json={"name": "Backup check", **content}, headers=ADMIN)
    assert response.status_code == 201, response.text
    token = response.json()
    return token, {"Authorization": f"Bearer {token['token']}"}


async def test_a_token_administers_the_platform_until_it_is_revoked(db, client):
    token, own = await create(client)
    assert (await client.post("/api/clinics", json={"name": "Lakeside"}, headers=own)).status_code in (201, 400)
    assert await get_status(client, own, "/api/users") == 200
    assert (await client.delete(f"{TOKENS}/{token['id']}", headers=ADMIN)).status_code == 204
    assert await get_status(client, own, "/api/users") == 401
    listed = (await client.get(TOKENS, params={"active": False}, headers=ADMIN)).json()["items"]
    assert [(each["name"], each["revokedAt"] is None, "token" in each) for each in listed] == [
        ("Backup check", False, False)
    ]


async def test_a_token_stops_working_when_it_expires(client, time):
    _, own = await create(client, days=1)
    assert await get_status(client, own, "/api/users") == 200
    time.passes(days=1)
    assert await get_status(client, own, "/api/users") == 401


async def test_the_audit_log_names_the_token(db, client):
    token, own = await create(client)
    await create_clinic(client)
    await client.patch("/api/clinics/1", json={"name": "Lakeside"}, headers=own)
    assert (await unsealed(db))[-1]["actor"] == f"administrator:{token['id']}"


async def test_a_tokens_use_is_recorded_at_most_once_a_minute(client, time):
    token, own = await create(client)
    for passed in (0, 30, 61):
        time.passes(seconds=passed)
        await client.get("/api/users", headers=own)
    found = (await client.get(f"{TOKENS}/{token['id']}", headers=ADMIN)).json()
    assert found["lastUsedAt"].startswith(time.now.isoformat()[:19])


async def test_the_secret_is_not_stored_in_the_database(db, client):
    token, _ = await create(client)
    secret = token["token"].split("_", 2)[2]  # the secret itself can contain "_"
    assert secret not in await db.fetchval("select json_agg(t)::text from admin_token t")


async def test_a_repeated_request_does_not_return_the_token_again(client):
    headers = ADMIN | {"Idempotency-Key": "once"}
    first, second = [
        (await client.post(TOKENS, json={"name": "Backup check"}, headers=headers)).json() for _ in range(2)
    ]
    assert (second["id"], second["token"]) == (first["id"], None)


@pytest.mark.parametrize("content", [{"days": 0}, {"days": MAX_DAYS + 1}, {"name": " "}, {"administrator": True}])
async def test_an_invalid_token_is_refused(client, content):
    response = await client.post(TOKENS, json={"name": "Backup check", **content}, headers=ADMIN)
    assert response.status_code == 400


async def test_the_number_of_tokens_is_limited(db, client):
    await db.execute(
        """
        insert into admin_token (name, secret_hash, expires_at)
        select 'One of many', sha256(''), now() + interval '100 days' from generate_series(1, $1)
        """,
        MAX_TOKENS,
    )
    response = await client.post(TOKENS, json={"name": "One too many"}, headers=ADMIN)
    assert type_of(response) == (409, "too-many-admin-tokens")


async def test_a_made_up_token_is_rejected(client):
    for token in ("apa_", f"apa_{'0' * 32}_{'A' * 43}", f"apa_{'0' * 32}"):
        assert await get_status(client, {"Authorization": f"Bearer {token}"}, "/api/users") == 401


async def test_the_shared_token_can_be_switched_off(db, client, database_url):
    _, own = await create(client)
    async with client_of(composed(database_url, shared_admin_token=False)) as strict:
        assert await get_status(strict, ADMIN, "/api/users") == 401
        assert await get_status(strict, {"Authorization": "Bearer "}, "/api/users") == 401
        assert await get_status(strict, own, "/api/users") == 200


async def test_operators_create_list_and_revoke_tokens_on_the_command_line(client, run_command):
    created = await run_command("admin-token", "create", "--name", "Backup check", "--days", "30")
    assert created.code == 0
    own = {"Authorization": f"Bearer {created.output.strip()}"}
    assert await get_status(client, own, "/api/users") == 200
    (token,) = json.loads((await run_command("admin-token", "list", "--json")).output)
    assert (token["name"], "token" in token) == ("Backup check", False)
    assert (await run_command("admin-token", "revoke", token["id"])).code == 0
    assert await get_status(client, own, "/api/users") == 401
    assert (await run_command("admin-token", "create", "--name", " ")).code == 1
