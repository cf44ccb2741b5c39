"""Users with an authenticator sign in with a password and a code."""

import asyncio
from datetime import datetime, timedelta

import pyotp
import pytest

from appoint.kit.key_ring import EncryptedField
from support.accounts import WRONG
from support.keys import KEYS
from support.staff import ANOTHER, add_user, sign_in, type_of


@pytest.fixture
async def totp(db, mia, time) -> pyotp.TOTP:
    """Mia's authenticator, with the clock at the beginning of a step."""
    time.now = datetime.fromtimestamp(time.now.timestamp() // 30 * 30, tz=time.now.tzinfo)
    secret = pyotp.random_base32()
    await db.execute(
        "update app_user set totp_secret = $1, totp_confirmed_at = now()",
        KEYS.encrypt_bytes(secret.encode(), EncryptedField.TOTP_SECRET, mia),
    )
    return pyotp.TOTP(secret)


async def test_a_user_with_an_authenticator_also_needs_a_code(client, totp, time):
    assert type_of(await sign_in(client)) == (401, "totp-required")
    assert type_of(await sign_in(client, totp="000000" if totp.at(time.now) != "000000" else "000001")) == WRONG
    assert (await sign_in(client, totp=totp.at(time.now))).status_code == 201


async def test_a_wrong_password_does_not_reveal_that_the_user_has_an_authenticator(client, totp, time):
    assert type_of(await sign_in(client, password=ANOTHER)) == WRONG
    assert type_of(await sign_in(client, password=ANOTHER, totp=totp.at(time.now))) == WRONG


async def test_an_authenticator_code_can_be_used_only_once(client, totp, time):
    code = totp.at(time.now)
    assert (await sign_in(client, totp=code)).status_code == 201
    assert type_of(await sign_in(client, totp=code)) == WRONG
    time.passes(seconds=30)
    assert type_of(await sign_in(client, totp=code)) == WRONG
    assert (await sign_in(client, totp=totp.at(time.now))).status_code == 201


async def test_only_one_of_several_concurrent_sign_ins_can_use_a_code(client, totp, time):
    responses = await asyncio.gather(*(sign_in(client, totp=totp.at(time.now)) for _ in range(4)))
    assert sorted(response.status_code for response in responses) == [201, *[401] * 3]


async def test_an_authenticators_clock_can_be_off_by_one_step(db, client, totp, time):
    codes = {step: totp.at(time.now + timedelta(seconds=30 * step)) for step in (-2, -1, 0, 1, 2)}
    for step, expected in ((-2, 401), (2, 401), (-1, 201), (1, 201), (0, 401)):
        assert (await sign_in(client, totp=codes[step])).status_code == expected, step


async def test_an_authenticator_secret_is_bound_to_its_user(db, client, totp, time):
    """An attacker who can write to the database cannot sign in with an authenticator of their own."""
    await add_user(db, "eve@example.org", administrator=True)
    await db.execute(
        """
        update app_user set totp_confirmed_at = now(),
                            totp_secret = (select totp_secret from app_user where totp_secret is not null limit 1)
        """
    )
    assert type_of(await sign_in(client, "eve@example.org", totp=totp.at(time.now))) == WRONG


@pytest.mark.parametrize("code", ["12345", "1234567", "12345a", "١٢٣٤٥٦", "123456\n", 123456, None])
async def test_a_malformed_authenticator_code_is_invalid(client, totp, code):
    assert (await sign_in(client, totp=code)).status_code == 400
