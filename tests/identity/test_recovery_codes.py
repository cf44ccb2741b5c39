"""Users who have lost their second factor sign in with a recovery code."""

import asyncio
import re

import pyotp
import pytest

from appoint.http.access import PROOF_TTL
from appoint.kit import clock
from support.accounts import WRONG
from support.authenticators import Authenticator, register
from support.staff import PASSWORD, add_user, bearer, sign_in, type_of

CODES = "/api/account/recoveryCodes"


@pytest.fixture
async def codes(client, manager) -> list[str]:
    """The recovery codes that Mia got with her first passkey."""
    return (await register(client, manager, Authenticator())).json()["recoveryCodes"]


async def account(client, headers) -> dict:
    return (await client.get("/api/account", headers=headers)).json()


async def test_the_first_second_factor_comes_with_ten_codes(client, manager, codes):
    assert len(set(codes)) == 10
    assert all(re.fullmatch("([2-9a-hjkmnp-z]{4}-){3}[2-9a-hjkmnp-z]{4}", code) for code in codes)
    assert (await account(client, manager))["recoveryCodesLeft"] == 10


async def test_an_authenticator_comes_with_codes_too(client, manager):
    setup = (await client.post("/api/account/totp", json={"password": PASSWORD}, headers=manager)).json()
    code = pyotp.TOTP(setup["secret"]).at(clock.now())
    headers = {**manager, "Idempotency-Key": "confirm"}
    confirmed = await client.post("/api/account/totp/confirm", json={"code": code}, headers=headers)
    assert len(confirmed.json()["recoveryCodes"]) == 10
    repeated = await client.post("/api/account/totp/confirm", json={"code": code}, headers=headers)
    assert (repeated.status_code, "recoveryCodes" in repeated.json()) == (200, False)


async def test_each_code_signs_in_once(client, codes):
    assert (await sign_in(client, recoveryCode=codes[0])).status_code == 201
    assert type_of(await sign_in(client, recoveryCode=codes[0])) == WRONG
    spelled_differently = codes[1].upper().replace("-", " ")
    assert (await account(client, await bearer(client, recoveryCode=spelled_differently)))["recoveryCodesLeft"] == 8


async def test_only_one_of_several_concurrent_sign_ins_can_use_a_code(client, codes):
    responses = await asyncio.gather(*(sign_in(client, recoveryCode=codes[0]) for _ in range(4)))
    assert sorted(response.status_code for response in responses) == [201, *[401] * 3]


async def test_a_code_needs_the_right_password_and_account(db, client, codes):
    assert type_of(await sign_in(client, password="not it", recoveryCode=codes[0])) == WRONG
    await add_user(db, "eve@example.org")
    await register(client, await bearer(client, "eve@example.org"), Authenticator())
    assert type_of(await sign_in(client, "eve@example.org", recoveryCode=codes[0])) == WRONG
    assert (await sign_in(client, recoveryCode=codes[0])).status_code == 201


@pytest.mark.usefixtures("still_clock")
async def test_guesses_at_codes_are_rate_limited(client, codes):
    statuses = [(await sign_in(client, recoveryCode="k7rm-2xqd-9wnb-4tpf")).status_code for _ in range(7)]
    assert statuses == [401] * 5 + [429] * 2


async def test_new_codes_replace_the_old_ones_and_require_a_recent_proof(client, manager, codes, time):
    created = await client.post(CODES, headers=manager)
    assert (created.status_code, created.headers["Cache-Control"]) == (200, "no-store")
    new = created.json()["recoveryCodes"]
    assert not set(new) & set(codes)
    assert type_of(await sign_in(client, recoveryCode=codes[0])) == WRONG
    assert (await sign_in(client, recoveryCode=new[0])).status_code == 201
    time.passes(seconds=PROOF_TTL.total_seconds())
    assert type_of(await client.post(CODES, headers=manager)) == (403, "proof-required")


async def test_an_account_without_a_second_factor_has_no_codes(client, manager):
    assert type_of(await client.post(CODES, headers=manager)) == (409, "no-second-factor")
    (passkey,) = [(await register(client, manager, Authenticator())).json()]
    await client.delete(f"/api/account/passkeys/{passkey['id']}", headers=manager)
    assert (await account(client, manager))["recoveryCodesLeft"] == 0
    assert (await sign_in(client)).status_code == 201


async def test_codes_are_not_stored(db, codes):
    dump = str(await db.fetch("select * from recovery_code")) + str(await db.fetch("select * from app_user"))
    assert not any(code in dump or code.replace("-", "") in dump for code in codes)


async def test_the_sign_in_page_takes_a_recovery_code_without_javascript(client, codes):
    form = {"email": "mia@example.org", "password": PASSWORD}
    asked = await client.post("/staff/sign-in", data=form)
    assert (asked.status_code, "Recovery code" in asked.text, 'name="totp"' in asked.text) == (401, True, True)
    done = await client.post("/staff/sign-in", data=form | {"totp": f" {codes[0]} "})
    assert (done.status_code, done.headers["Location"]) == (303, "/staff")
