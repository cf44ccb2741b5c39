"""Tokens are signed as the library signs them, so that tokens from earlier releases stay valid."""

from uuid import UUID

import pytest
from itsdangerous import Signer, URLSafeSerializer

from appoint.kit.signed_tokens import sign, sign_id, verify, verify_id

SECRET, PURPOSE = "signs tokens in this test", "customer"
ID = UUID("00000001-0000-8000-8000-000000000001")
OPTIONS = {"salt": PURPOSE, "key_derivation": "none"}


@pytest.fixture
def key():
    return Signer(SECRET, salt=PURPOSE).derive_key()


@pytest.mark.parametrize("value", [[ID.hex, 1], "Müller", {"a": None}, "x" * 2000])
def test_values_are_signed_as_the_library_does(key, value):
    serializer = URLSafeSerializer(key, salt=PURPOSE, signer_kwargs={"key_derivation": "none"})
    assert sign(SECRET, PURPOSE, value) == serializer.dumps(value)
    assert verify(SECRET, PURPOSE, serializer.dumps(value)) == value


def test_ids_are_signed_as_the_library_does(key):
    token = sign_id(SECRET, PURPOSE, ID)
    assert Signer(key, **OPTIONS).unsign(token) == token.encode().partition(b".")[0]
    assert verify_id(SECRET, PURPOSE, token) == (ID, 1)


def test_a_changed_token_or_one_for_another_purpose_is_invalid():
    token = sign(SECRET, PURPOSE, [1])
    changed = [token[:number] + "!" + token[number + 1 :] for number in range(len(token))]
    others = [sign(SECRET, "manage", [1]), token + "A", token[:-1], token.replace(".", ""), "é." + token, "", "."]
    assert [verify(SECRET, PURPOSE, each) for each in (*changed, *others)] == [None] * (len(changed) + len(others))
