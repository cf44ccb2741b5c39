"""Exporting or erasing a person's data and creating credentials require a recently entered credential."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from appoint.http.access import PROOF_TTL
from support.app import ADMIN
from support.audit import unsealed
from support.sign_in_codes import enter_code, request_code
from support.staff import PASSWORD, type_of
from support.world import create_customer

KEYS = "/api/clinics/1/apiKeys"
KEY = {"name": "Portal", "scopes": ["see-appointments"]}
PROOF = "/api/sessions/current/proof"
REQUIRED = (403, "proof-required")


@pytest.fixture
def later(time):
    """Let ten minutes pass."""
    return lambda: time.passes(seconds=PROOF_TTL.total_seconds())


async def test_creating_a_key_requires_a_recent_password(client, manager, later):
    created = await client.post(KEYS, json=KEY, headers=manager)
    assert created.status_code == 201
    later()
    rotate = f"/api/apiKeys/{created.json()['id']}/rotate"
    assert type_of(await client.post(KEYS, json=KEY, headers=manager)) == REQUIRED
    assert type_of(await client.post(rotate, headers=manager)) == REQUIRED
    assert (await client.get(KEYS, headers=manager)).status_code == 200
    assert (await client.post(PROOF, json={"password": PASSWORD}, headers=manager)).status_code == 204
    assert (await client.post(KEYS, json=KEY, headers=manager)).status_code == 201
    assert (await client.post(rotate, headers=manager)).status_code == 200


async def test_a_wrong_or_missing_credential_is_not_accepted_as_proof(db, client, manager, later):
    later()
    for proof in ({"password": "not it"}, {"totp": "000000"}, {}):
        assert (await client.post(PROOF, json=proof, headers=manager)).status_code == 400, proof
    assert type_of(await client.post(KEYS, json=KEY, headers=manager)) == REQUIRED
    assert "passwordRefused" in [entry["action"] for entry in await unsealed(db)]


async def test_guesses_are_rate_limited(client, manager, later):
    statuses = [(await client.post(PROOF, json={"password": "not it"}, headers=manager)).status_code for _ in range(7)]
    assert statuses == [400] * 5 + [429] * 2


async def test_an_authenticator_code_is_accepted_as_proof_only_once(client, manager, time, later):
    setup = (await client.post("/api/account/totp", json={"password": PASSWORD}, headers=manager)).json()
    totp = pyotp.TOTP(setup["secret"])
    await client.post("/api/account/totp/confirm", json={"code": totp.at(time.now)}, headers=manager)
    later()
    code = totp.at(time.now)
    assert [(await client.post(PROOF, json={"totp": code}, headers=manager)).status_code for _ in range(2)] == [
        204,
        400,
    ]
    assert (await client.post(KEYS, json=KEY, headers=manager)).status_code == 201


async def test_a_patient_can_export_their_data_only_after_a_recent_code(client, ana, later):
    own = await _sign_in_patient(client)
    assert (await client.get(f"/api/customers/{ana}/export", headers=own)).status_code == 200
    later()
    assert type_of(await client.get(f"/api/customers/{ana}/export", headers=own)) == REQUIRED
    assert type_of(await client.post(f"/api/customers/{ana}/erase", headers=own)) == REQUIRED
    page = await client.get("/my/data", headers=own)
    assert (page.status_code, page.headers["Location"]) == (303, "/sign-in?next=%2Fmy%2Fdata")
    again = await _sign_in_patient(client)
    assert (await client.get("/my/data", headers=again)).headers["Location"].startswith(f"/api/customers/{ana}/export")


async def test_programs_with_their_own_token_do_not_need_a_proof(client, manager, later):
    later()
    assert (await client.post(KEYS, json=KEY, headers=ADMIN)).status_code == 201
    customer_id = await create_customer(client)
    assert (await client.get(f"/api/customers/{customer_id}/export", headers=ADMIN)).status_code == 200


async def test_the_page_for_a_new_key_asks_for_the_password_first(client, manager, later):
    assert (await client.get("/staff/1/keys/new", headers=manager)).status_code == 200
    later()
    detour = (await client.get("/staff/1/keys/new", headers=manager)).headers["Location"]
    assert urlsplit(detour).path == "/staff/confirm"
    assert parse_qs(urlsplit(detour).query) == {"next": ["/staff/1/keys/new"]}
    form = {"password": "not it", "next": "/staff/1/keys/new"}
    assert (await client.get(detour, headers=manager)).status_code == 200
    assert (await client.post("/staff/confirm", data=form, headers=manager)).status_code == 400
    done = await client.post("/staff/confirm", data=form | {"password": PASSWORD}, headers=manager)
    assert (done.status_code, done.headers["Location"]) == (303, "/staff/1/keys/new")
    assert (await client.get("/staff/1/keys/new", headers=manager)).status_code == 200


async def test_a_proof_does_not_extend_the_session(db, client, manager, time):
    time.passes(minutes=30)
    await client.post(PROOF, json={"password": PASSWORD}, headers=manager)
    assert await db.fetchval("select max(expires_at) from session") <= time.now + timedelta(hours=12)
    assert await db.fetchval("select max(proven_at) from session") == time.now


async def _sign_in_patient(client) -> dict[str, str]:
    signed_in = await enter_code(client, await request_code(client))
    return {"Authorization": f"Bearer {signed_in.json()['session']['token']}"}
