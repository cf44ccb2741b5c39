"""Constraint cases for sign-in codes, for sign-in through an OpenID provider, and for where audit chains start."""

from functools import partial

from support.constraint_rows import MIA, MISSING_ID, NORA, SHA256, insert, sign_in_code

OTHER_SHA256 = r"\x" + "11" * 32

audit_start = partial(
    insert, "audit_start", clinic_id=2, position=1, hash=SHA256, before="2017-03-01", public_key="", signature=""
)
user_identity = partial(insert, "user_identity", issuer="https://b.example", subject_hash=OTHER_SHA256, user_id=MIA)
openid_attempt = partial(insert, "openid_attempt", state_hash=OTHER_SHA256)

SIGN_IN_ROWS = ";\n".join(
    [
        audit_start(clinic_id=1),
        user_identity(issuer="https://a.example", subject_hash=SHA256),
        openid_attempt(state_hash=SHA256),
    ]
)

SIGN_IN_CASES = {
    "sign_in_code_locale": sign_in_code(locale="la"),
    "audit_start_pkey": audit_start(clinic_id=1),
    "audit_start_clinic": audit_start(clinic_id=-1),
    "audit_start_position": audit_start(position=0),
    "audit_start_hash": audit_start(hash="short"),
    "user_identity_pkey": user_identity(issuer="https://a.example", subject_hash=SHA256, user_id=NORA),
    "user_identity_issuer": user_identity(issuer=""),
    "user_identity_subject": user_identity(subject_hash="short"),
    "user_identity_user": user_identity(user_id=MISSING_ID),
    "user_identity_once": user_identity(issuer="https://a.example"),
    "openid_attempt_pkey": openid_attempt(state_hash=SHA256),
    "openid_attempt_state": openid_attempt(state_hash="short"),
}
