"""Which tokens from an external OpenID provider are accepted."""

import hmac
import json
from datetime import timedelta
from functools import cache

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given as forall
from hypothesis import settings as bounded
from hypothesis import strategies as st
from joserfc import jwk, jws

from appoint.identity.oidc import model
from support.oidc import KEY, NOW, TRUST, encoded, identify
from support.provider import AUDIENCE, OpenIdProvider
from support.scale import scaled


@pytest.mark.parametrize(
    ("type", "size", "alg"),
    [
        ("RSA", 2048, "RS256"),
        ("RSA", 2048, "PS256"),
        ("EC", "P-256", "ES256"),
        ("OKP", "Ed25519", "EdDSA"),
        ("OKP", "Ed25519", "Ed25519"),
    ],
)
async def test_tokens_signed_with_any_allowed_algorithm_are_accepted(idp, provider, type, size, alg):
    idp.add("mine", type, size)
    assert await identify(provider, idp.token(NOW, kid="mine", alg=alg))


@pytest.mark.parametrize("alg", ["RS384", "RS512", "PS384"])
async def test_a_token_signed_with_a_disallowed_algorithm_is_rejected(idp, provider, alg):
    assert await identify(provider, idp.token(NOW, alg=alg)) is None


def tampered(token: str, part: int, value) -> str:
    parts = token.split(".")
    parts[part] = encoded(value)
    return ".".join(parts)


def with_header(idp: OpenIdProvider, header) -> str:
    """Sign correctly, whatever the header says."""
    content = f"{encoded(header)}.{encoded(idp.claims(NOW))}"
    signature = idp.first.private_key.sign(content.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{content}.{encoded(signature)}"


def signed_by_hmac(idp: OpenIdProvider, alg="HS256") -> str:
    """Sign with the public key as if it were a shared secret."""
    content = f"{encoded({'alg': alg, 'kid': 'first', 'typ': 'JWT'})}.{encoded(idp.claims(NOW))}"
    signature = hmac.digest(idp.first.as_pem(private=False), content.encode(), alg.replace("HS", "sha"))
    return f"{content}.{encoded(signature)}"


@cache
def strangers_key() -> jwk.RSAKey:
    return jwk.generate_key("RSA", 2048)


def with_strangers_key(idp: OpenIdProvider, **header) -> str:
    """Sign with a stranger's key, and refer to it in the header."""
    public = strangers_key().as_dict(private=False)
    full_header = {name: public if value == "own" else value for name, value in header.items()}
    return idp.token(NOW, key=strangers_key(), header=full_header)


def second(**length) -> int:
    return int((NOW + timedelta(**length)).timestamp())


INVALID = {
    "no signature (none)": lambda idp: f"{encoded({'alg': 'none', 'kid': 'first'})}.{encoded(idp.claims(NOW))}.",
    "no signature (None)": lambda idp: f"{encoded({'alg': 'None', 'kid': 'first'})}.{encoded(idp.claims(NOW))}.",
    "none with the old signature": lambda idp: tampered(idp.token(NOW), 0, {"alg": "none", "kid": "first"}),
    "an empty signature": lambda idp: idp.token(NOW).rpartition(".")[0] + ".",
    "HS256 with the public key": signed_by_hmac,
    "HS512 with the public key": lambda idp: signed_by_hmac(idp, "HS512"),
    "a stranger's key": with_strangers_key,
    "a stranger's key in jwk": lambda idp: with_strangers_key(idp, jwk="own"),
    "a stranger's key at jku": lambda idp: with_strangers_key(idp, jku="http://127.0.0.1:1/keys"),
    "a stranger's key at x5u": lambda idp: with_strangers_key(idp, x5u="http://127.0.0.1:1/keys"),
    "a stranger's key in x5c": lambda idp: with_strangers_key(idp, x5c=["MIIB"]),
    "other claims": lambda idp: tampered(idp.token(NOW), 1, idp.claims(NOW, roles=["root"])),
    "a changed header": lambda idp: tampered(idp.token(NOW), 0, {"alg": "RS256", "kid": "first", "typ": "JWT", "x": 1}),
    "a different audience": lambda idp: idp.token(NOW, aud="another"),
    "a list of other audiences": lambda idp: idp.token(NOW, aud=["another", "appoint2"]),
    "an empty list of audiences": lambda idp: idp.token(NOW, aud=[]),
    "an audience in a list in a list": lambda idp: idp.token(NOW, aud=[[AUDIENCE]]),
    "an audience that is an object": lambda idp: idp.token(NOW, aud={AUDIENCE: True}),
    "no audience": lambda idp: idp.token(NOW, aud=None),
    "a different issuer": lambda idp: idp.token(NOW, iss="https://evil.example"),
    "an issuer with a trailing slash": lambda idp: idp.token(NOW, iss=idp.issuer + "/"),
    "a list of issuers": lambda idp: idp.token(NOW, iss=[idp.issuer]),
    "no issuer": lambda idp: idp.token(NOW, iss=None),
    "expired": lambda idp: idp.token(NOW, exp=second(seconds=-60)),
    "expired long ago": lambda idp: idp.token(NOW, exp=0),
    "no expiry": lambda idp: idp.token(NOW, exp=None),
    "an expiry as a string": lambda idp: idp.token(NOW, exp="2999-01-01"),
    "an expiry that is true": lambda idp: idp.token(NOW, exp=True),
    "an expiry that is not a number": lambda idp: idp.token(
        NOW, raw=json.dumps(idp.claims(NOW) | {"exp": float("nan")}).encode()
    ),
    "an endless expiry": lambda idp: idp.token(NOW, raw=json.dumps(idp.claims(NOW) | {"exp": float("inf")}).encode()),
    "not valid yet": lambda idp: idp.token(NOW, nbf=second(seconds=61)),
    "a not-before time as a string": lambda idp: idp.token(NOW, nbf="now"),
    "issued in the future": lambda idp: idp.token(NOW, iat=second(seconds=61)),
    "issued more than a day ago": lambda idp: idp.token(NOW, iat=second(hours=-25), nbf=None),
    "issued more than a day ago, without an end": lambda idp: idp.token(
        NOW, iat=second(hours=-25), nbf=None, exp=10**30
    ),
    "without an end or a time of issue": lambda idp: idp.token(NOW, iat=None, nbf=None, exp=10**30),
    "a time of issue that is not a number": lambda idp: idp.token(
        NOW, raw=json.dumps(idp.claims(NOW) | {"iat": float("nan")}).encode()
    ),
    "no subject": lambda idp: idp.token(NOW, sub=None),
    "an empty subject": lambda idp: idp.token(NOW, sub=""),
    "a number as the subject": lambda idp: idp.token(NOW, sub=42),
    "a list as the subject": lambda idp: idp.token(NOW, sub=["ann"]),
    "the same claim twice": lambda idp: idp.token(
        NOW, raw=json.dumps(idp.claims(NOW)).encode()[:-1] + b',"sub":"ben"}'
    ),
    "the same claim twice, deeper": lambda idp: idp.token(
        NOW, raw=json.dumps(idp.claims(NOW)).encode()[:-1] + b',"a":{"b":1,"b":2}}'
    ),
    "not JSON": lambda idp: idp.token(NOW, raw=b"hello"),
    "not UTF-8": lambda idp: idp.token(NOW, raw=b'{"iss":"\xff"}'),
    "an empty payload": lambda idp: idp.token(NOW, raw=b""),
    "a list": lambda idp: idp.token(NOW, raw=b"[]"),
    "null": lambda idp: idp.token(NOW, raw=b"null"),
    "a string": lambda idp: idp.token(NOW, raw=b'"iss"'),
    "JSON that is nested too deeply": lambda idp: idp.token(NOW, raw=b"[" * 5_000 + b"]" * 5_000),
    "a number with too many digits": lambda idp: idp.token(NOW, raw=b'{"exp":' + b"9" * 5_000 + b"}"),
    "no key id": lambda idp: idp.token(NOW, kid=None),
    "a number as the key id": lambda idp: with_header(idp, {"alg": "RS256", "kid": 1}),
    "a list as the key id": lambda idp: with_header(idp, {"alg": "RS256", "kid": ["first"]}),
    "an extension that must be understood": lambda idp: with_header(
        idp, {"alg": "RS256", "kid": "first", "crit": ["exp"], "exp": 1}
    ),
    "a payload that is not encoded": lambda idp: with_header(
        idp, {"alg": "RS256", "kid": "first", "crit": ["b64"], "b64": False}
    ),
    "a payload that is not encoded, not marked as critical": lambda idp: with_header(
        idp, {"alg": "RS256", "kid": "first", "b64": False}
    ),
    "a logout token": lambda idp: idp.token(NOW, header={"typ": "logout+jwt"}),
    "a type that is a number": lambda idp: with_header(idp, {"alg": "RS256", "kid": "first", "typ": 7}),
    "the same header twice": lambda idp: with_header(idp, b'{"alg":"none","kid":"first","alg":"HS256"}'),
    "a header that is a list": lambda idp: with_header(idp, ["alg"]),
    "a header that is a string": lambda idp: with_header(idp, "alg"),
    "a header that is a number": lambda idp: with_header(idp, 7),
    "a header that is nested too deeply": lambda idp: with_header(idp, b'{"alg":' + b"[" * 1_400 + b"]" * 1_400 + b"}"),
    "an algorithm that is a list": lambda idp: with_header(idp, {"alg": ["RS256"], "kid": "first"}),
    "an algorithm that is null": lambda idp: with_header(idp, {"alg": None, "kid": "first"}),
    "no algorithm": lambda idp: with_header(idp, {"kid": "first"}),
    "two parts": lambda idp: idp.token(NOW).rpartition(".")[0],
    "four parts": lambda idp: idp.token(NOW) + ".x",
    "five parts, as if encrypted": lambda idp: idp.token(NOW) + ".x.x",
    "only dots": lambda _: "eyJ..",
    "padding": lambda idp: idp.token(NOW) + "==",
    "non-ASCII letters": lambda idp: idp.token(NOW) + "é",
    "lone surrogates": lambda idp: idp.token(NOW) + "\ud800",
    "a huge header": lambda idp: idp.token(NOW, header={"x": "x" * 5_000}),
    "a huge token": lambda idp: idp.token(NOW, x="x" * 20_000),
    "a huge signature": lambda idp: idp.token(NOW) + "A" * 2_000,
}


@pytest.mark.parametrize("forge", INVALID.values(), ids=INVALID)
async def test_a_forged_or_invalid_token_is_rejected(idp, provider, forge):
    assert await identify(provider, idp.token(NOW)), "the unchanged token should be valid"
    assert await identify(provider, forge(idp)) is None
    assert [
        path
        for path in idp.requests
        if path not in ("/realms/clinics/.well-known/openid-configuration", "/realms/clinics/jwks")
    ] == []


VALID = {
    "an audience among others": {"aud": ["another", AUDIENCE]},
    "a slow clock": {"nbf": second(seconds=60), "iat": second(seconds=60)},
    "expired within the leeway": {"exp": second(seconds=-59)},
    "a fractional expiry": {"exp": second(seconds=60) + 0.5},
    "issued almost a day ago, without an end": {"iat": second(hours=-23), "nbf": None, "exp": 10**30},
    "no issue time": {"iat": None, "nbf": None},
    "unknown claims": {"validate": 1, "sub ": "x", "nonce": None, "": {}},
    "a subject in any script": {"sub": "Анна\u0000" + "x" * 2_000},
}


@pytest.mark.parametrize("claims", VALID.values(), ids=VALID)
async def test_a_valid_token_is_accepted(idp, provider, claims):
    assert await identify(provider, idp.token(NOW, **claims))


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "at+jwt"},
        {"typ": "jwt"},
        {"nonce": "x"},
        {"x5t": "abc"},
        {"jku": "http://127.0.0.1:1/keys"},
        {"jwk": {"kty": "oct", "k": "AA"}},
    ],
)
async def test_key_references_in_a_header_are_ignored(idp, provider, header):
    assert await identify(provider, idp.token(NOW, header=header))


@bounded(max_examples=scaled(300, 60), deadline=None)
@forall(st.data())
def test_any_modified_token_is_rejected(data):
    key, trust = KEY, TRUST
    token = jws.serialize_compact(
        {"alg": "RS256", "kid": "k"},
        json.dumps({"iss": trust.issuer, "aud": AUDIENCE, "sub": "ann", "exp": second(hours=1)}),
        key,
    )
    place = data.draw(st.integers(0, len(token) - 1))
    letters = data.draw(st.text(max_size=3))
    changed = token[:place] + letters + token[place + data.draw(st.integers(0, 3)) :]
    if changed == token:
        return
    with pytest.raises(model.InvalidToken):
        model.claims_of(model.parse_token(changed), jwk.KeySet([key]), trust, now=NOW)


@bounded(max_examples=scaled(300, 60), deadline=None)
@forall(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.text() | st.sampled_from(["iss", "aud", "exp", "nbf", "iat", "sub", "roles"]), inner)
        ),
    )
)
def test_any_signed_payload_without_valid_claims_is_rejected(payload):
    token = jws.serialize_compact({"alg": "RS256", "kid": "k"}, json.dumps(payload), KEY)
    with pytest.raises(model.InvalidToken):
        model.claims_of(model.parse_token(token), jwk.KeySet([KEY]), TRUST, now=NOW)
