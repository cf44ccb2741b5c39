"""Links that let users set their passwords, and requests for these links."""

import asyncio
from datetime import timedelta

import pytest

from appoint.kit import clock
from appoint.kit.signed_tokens import sign
from support.accounts import NEW_PASSWORD, link_token, mailed_tokens, set_password
from support.staff import ANOTHER, SECRET, sign_in, type_of


async def test_using_a_link_invalidates_all_of_the_users_links(db, client, mia):
    first, second = await link_token(db), await link_token(db, kind="invitation")
    assert (await set_password(client, first)).status_code == 200
    assert type_of(await set_password(client, first, ANOTHER)) == (409, "link-used")
    assert type_of(await set_password(client, second, ANOTHER)) == (409, "link-used")
    assert (await sign_in(client, password=NEW_PASSWORD)).status_code == 201


async def test_only_one_of_several_concurrent_uses_of_a_link_sets_the_password(db, client, mia):
    token = await link_token(db)
    responses = await asyncio.gather(
        *(set_password(client, token, f"{word} swans swim slowly") for word in ("seven", "eight", "nine", "ten"))
    )
    assert sorted(response.status_code for response in responses) == [200, 409, 409, 409]


@pytest.mark.parametrize(
    ("kind", "lifetime"), [("invitation", timedelta(days=7)), ("password-reset", timedelta(hours=1))]
)
async def test_a_link_expires(db, client, mia, kind, lifetime):
    oldest = clock.now() - lifetime
    expired = await link_token(db, kind=kind, now=oldest - timedelta(seconds=1))
    valid = await link_token(db, kind=kind, now=oldest + timedelta(minutes=1))
    assert type_of(await set_password(client, expired)) == (409, "link-expired")
    assert (await set_password(client, valid)).status_code == 200


async def test_a_forged_link_is_not_found(db, client, mia):
    valid = await link_token(db)
    payload = [str(mia), 1, 2**33]
    forgeries = [
        "",
        "x",
        valid[:-1],
        valid[1:],
        valid.swapcase(),
        sign("another secret", "password-reset", payload),
        sign(SECRET, "unsubscribe", payload),
    ]
    assert [type_of(await set_password(client, token)) for token in forgeries] == [(404, "not-found")] * len(forgeries)


async def test_setting_a_password_via_a_link_ends_all_sessions(db, client, mia, manager):
    await set_password(client, await link_token(db))
    assert (await client.get("/api/account", headers=manager)).status_code == 401


async def test_setting_a_password_via_a_link_does_not_turn_off_two_factor_sign_in(db, client, mia):
    await db.execute("update app_user set totp_secret = $1, totp_confirmed_at = now()", b"sealed")
    await set_password(client, await link_token(db))
    assert type_of(await sign_in(client, password=NEW_PASSWORD)) == (401, "totp-required")


async def test_a_password_reset_does_not_reveal_whether_an_account_exists(db, client, mia, office):
    responses = [
        await client.post("/api/passwordResets", json={"email": email})
        for email in ("MIA@example.org", "unknown@example.org")
    ]
    assert {(response.status_code, response.text) for response in responses} == {(200, '{"minutes":60}')}
    (token,) = await mailed_tokens(office)
    assert (await set_password(client, token)).status_code == 200


async def test_a_password_reset_runs_the_same_statements_for_an_unknown_address(db, client, mia, monkeypatch):
    from appoint.database import pool

    statements: list[str] = []
    run = pool.Transaction.run
    monkeypatch.setattr(
        pool.Transaction, "run", lambda self, method, sql, args: statements.append(sql) or run(self, method, sql, args)
    )
    runs = []
    for email in ("mia@example.org", "unknown@example.org"):
        statements.clear()
        await client.post("/api/passwordResets", json={"email": email})
        runs.append(list(statements))
    assert runs[0] == runs[1]
