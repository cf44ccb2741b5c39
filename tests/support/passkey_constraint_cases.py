"""Constraint cases for passkeys, recovery codes and second factors."""

from functools import partial

from support.constraint_rows import ANA, MIA, MISSING_ID, SESSION, insert, session

EMPTY_DIGEST = "\\xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""What `sha256('')` returns."""
passkey = partial(
    insert,
    "passkey",
    user_id=MIA,
    name="Key",
    credential_id="\\x02",
    public_key="\\xa5",
    sign_count=0,
    synced=False,
)
used_challenge = partial(insert, "used_challenge", digest="\\x" + "00" * 32, expires_at="2027-03-01")
recovery_code = partial(insert, "recovery_code", user_id=MIA, digest="\\x" + "00" * 32)
PASSKEY_CASES = {
    "passkey_pkey": passkey(id=SESSION),
    "passkey_user": passkey(user_id=MISSING_ID),
    "passkey_name": passkey(name=" "),
    "passkey_credential": passkey(credential_id="\\x01"),
    "passkey_credential_id": passkey(credential_id=""),
    "passkey_public_key": passkey(public_key=""),
    "passkey_sign_count": passkey(sign_count=2**32),
    "used_challenge_pkey": used_challenge(digest=EMPTY_DIGEST),
    "used_challenge_digest": used_challenge(digest="short"),
    "recovery_code_pkey": recovery_code(digest=EMPTY_DIGEST),
    "recovery_code_user": recovery_code(user_id=MISSING_ID),
    "recovery_code_digest": recovery_code(digest="short"),
    "session_second_factor": session(user_id=None, customer_id=ANA, second_factor=True),
}
