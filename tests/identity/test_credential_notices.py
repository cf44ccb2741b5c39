"""Users get an email about every change to their account's credentials."""

import pyotp
import pytest

from appoint.kit import clock
from support.accounts import NEW_PASSWORD, get_status, link_token, set_password
from support.app import ADMIN
from support.authenticators import Authenticator, register, sign_in_with
from support.staff import ANOTHER, PASSWORD, add_user, bearer, sign_in
from support.world import create_clinic


def to_mia(subject: str) -> tuple[str, str]:
    return "mia@example.org", subject


async def subjects(office) -> list[tuple[str, str]]:
    """Send the emails that are due. Return their recipients and subjects."""
    office.post.messages.clear()
    await office.plan_and_send(clock.now())
    return [(message.to, message.subject) for message in office.post.messages]


async def turn_on_totp(client, headers) -> str:
    setup = (await client.post("/api/account/totp", json={"password": PASSWORD}, headers=headers)).json()
    code = pyotp.TOTP(setup["secret"]).at(clock.now())
    confirmed = await client.post("/api/account/totp/confirm", json={"code": code}, headers=headers)
    assert confirmed.status_code == 200, confirmed.text
    return setup["secret"]


async def test_a_changed_password_is_mailed_without_a_link_that_grants_access(client, manager, office):
    change = {"current": PASSWORD, "new": ANOTHER}
    assert (await client.put("/api/account/password", json=change, headers=manager)).status_code == 204
    assert await subjects(office) == [("mia@example.org", "Your password was changed")]
    (message,) = office.post.messages
    assert "https://appoint.example/password-reset" in message.text
    assert "/credentials/" not in message.text


async def test_a_reset_password_is_mailed_but_the_first_one_is_not(db, client, mia, office):
    await set_password(client, await link_token(db))
    assert await subjects(office) == [("mia@example.org", "Your password was changed")]
    await add_user(db, "new@example.org", password=None)
    await set_password(client, await link_token(db, "new@example.org", kind="invitation"))
    assert await subjects(office) == []


async def test_turning_two_step_sign_in_on_ends_other_sessions_and_is_mailed(client, manager, office):
    other = await bearer(client)
    await turn_on_totp(client, manager)
    assert await get_status(client, other) == 401
    assert await get_status(client, manager) == 200
    assert await subjects(office) == [("mia@example.org", "Two-step sign-in is on")]


async def test_turning_two_step_sign_in_off_is_mailed_even_if_the_password_changes_next(client, manager, office):
    await turn_on_totp(client, manager)
    await subjects(office)
    removed = await client.post("/api/account/totp/remove", json={"password": PASSWORD}, headers=manager)
    assert removed.status_code == 200
    await client.put("/api/account/password", json={"current": PASSWORD, "new": ANOTHER}, headers=manager)
    assert sorted(await subjects(office)) == [
        ("mia@example.org", "Two-step sign-in is off"),
        ("mia@example.org", "Your password was changed"),
    ]


async def test_every_change_of_passkeys_and_recovery_codes_is_mailed(client, manager, office):
    passkey = (await register(client, manager, phone := Authenticator())).json()
    assert sorted(await subjects(office)) == [to_mia("Passkey added"), to_mia("Two-step sign-in is on")]
    codes = (await client.post("/api/account/recoveryCodes", headers=manager)).json()["recoveryCodes"]
    assert await subjects(office) == [to_mia("New recovery codes")]
    await sign_in(client, recoveryCode=codes[0])
    assert await subjects(office) == [to_mia("Recovery code used")]
    await sign_in_with(client, phone)
    assert await subjects(office) == []
    await turn_on_totp(client, manager)
    assert await subjects(office) == [to_mia("Authenticator app added")]
    await client.post("/api/account/totp/remove", json={"password": PASSWORD}, headers=manager)
    assert await subjects(office) == [to_mia("Authenticator app removed")]
    await client.delete(f"/api/account/passkeys/{passkey['id']}", headers=manager)
    assert sorted(await subjects(office)) == [to_mia("Passkey removed"), to_mia("Two-step sign-in is off")]


async def test_users_get_an_email_when_an_operator_removes_their_authenticator(client, manager, office, run_command):
    await turn_on_totp(client, manager)
    await subjects(office)
    assert (await run_command("user", "reset", "mia@example.org", "--print", "--without-totp")).code == 0
    assert await subjects(office) == [("mia@example.org", "Two-step sign-in is off")]


async def test_a_new_or_rotated_api_key_is_mailed_to_the_user_who_created_it(client, manager, office):
    content = {"name": "Portal", "scopes": ["see-appointments"]}
    created = await client.post("/api/clinics/1/apiKeys", json=content, headers=manager)
    await client.post(f"/api/apiKeys/{created.json()['id']}/rotate", headers=manager)
    assert await subjects(office) == [("mia@example.org", "New API key")] * 2
    await client.post("/api/clinics/1/apiKeys", json=content, headers=ADMIN)
    assert await subjects(office) == []


async def test_a_new_administrator_token_is_mailed_to_the_administrator_who_created_it(db, client, office):
    await add_user(db, "olga@example.org", administrator=True)
    olga = await bearer(client, "olga@example.org")
    assert (await client.post("/api/adminTokens", json={"name": "Backup check"}, headers=olga)).status_code == 201
    assert await subjects(office) == [("olga@example.org", "New administrator token")]


@pytest.mark.parametrize("language", ["de", "es", "fr"])
async def test_notices_are_in_the_users_language(db, client, mia, office, language):
    await db.execute("update app_user set locale = $1", language)
    await set_password(client, await link_token(db), NEW_PASSWORD)
    ((_, subject),) = await subjects(office)
    assert subject in (
        "Ihr Passwort wurde geändert",
        "Se ha cambiado su contraseña",
        "Votre mot de passe a été modifié",
    )
    await create_clinic(client, name="Hillside")
    assert (await sign_in(client, password=NEW_PASSWORD)).status_code == 201
