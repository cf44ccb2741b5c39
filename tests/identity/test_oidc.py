"""Tokens of an outside OpenID provider: which are believed, whom they stand for, and what happens while the provider is
away."""

import asyncio
import base64
import hmac
import json
import signal
import sys
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given as forall
from hypothesis import settings as bounded
from hypothesis import strategies as st
from joserfc import jwk, jws

from appoint.cli import main
from appoint.identity.oidc import gateway, model, service
from appoint.identity.oidc.gateway import Provider
from appoint.kit import clock, errors, ids
from appoint.kit.actors import Membership, Role
from appoint.kit.errors import StartupError
from appoint.server import app as application
from support.app import ADMIN, TOKEN, settings
from support.provider import AUDIENCE, OpenIdProvider, openid_provider
from support.rows import clinic
from support.scale import scaled

NOW = datetime(2027, 3, 1, 6, 0, tzinfo=UTC)
SHAH = ids.compose_id(1, 1, 1)
ROLES = [
    "front-desk=receptionist:1",
    f"shah=doctor:1:{SHAH}",
    "lead=manager:1",
    "lead=manager:2",
    "root=administrator",
    "a=b=manager:3",
]


def configured(provider: OpenIdProvider, **more):
    wanted = {"oidc_issuer": provider.issuer, "oidc_audience": AUDIENCE, "oidc_roles": ROLES} | more
    return settings(**wanted)


@pytest.fixture(scope="module")
def one_provider():
    with openid_provider() as provider:
        yield provider


@pytest.fixture
def there(one_provider):
    """The provider, as good as new."""
    one_provider.answers, one_provider.asked, one_provider.down, one_provider.seconds = {}, [], False, 0.0
    one_provider.keys = {"first": one_provider.first}
    return one_provider


@pytest.fixture
async def provider(there):
    trust = service.read_trust(configured(there, oidc_algorithms=["RS256", "ES256", "EdDSA", "Ed25519", "PS256"]))
    assert trust
    async with Provider(trust) as provider:
        yield provider


async def who(provider, token, *, after=timedelta()):
    return await service.identify(provider, token, now=NOW + after)


# whom a token stands for


async def test_a_receptionist_of_the_provider_is_one_of_the_clinic(there, provider):
    caller = await who(provider, there.token(NOW))
    assert caller
    assert (caller.memberships, caller.administrator, caller.is_staff(1), caller.is_anyone) == (
        (Membership(1, Role.RECEPTIONIST),),
        False,
        True,
        False,
    )
    assert caller.key.startswith("oidc:")
    assert len(caller.key) == len("oidc:") + 32
    assert "ann" not in caller.key


@pytest.mark.parametrize(
    ("roles", "memberships", "administrator"),
    [
        (["shah"], [Membership(1, Role.DOCTOR, SHAH)], False),
        (["lead"], [Membership(1, Role.MANAGER), Membership(2, Role.MANAGER)], False),
        (
            ["front-desk", "lead", "front-desk"],
            [Membership(1, Role.RECEPTIONIST), Membership(1, Role.MANAGER), Membership(2, Role.MANAGER)],
            False,
        ),
        (["root"], [], True),
        ("front-desk", [Membership(1, Role.RECEPTIONIST)], False),
        ("a=b", [Membership(3, Role.MANAGER)], False),
        (["front-desk "], [], False),
        ([["front-desk"], {"front-desk": 1}, None, 7, True], [], False),
        ({"front-desk": True}, [], False),
        ("front-desk root", [], False),
        (7, [], False),
        ([], [], False),
        (None, [], False),
    ],
)
async def test_roles_are_what_the_settings_make_of_them(there, provider, roles, memberships, administrator):
    caller = await who(provider, there.token(NOW, roles=roles))
    assert caller
    assert (list(caller.memberships), caller.administrator) == (memberships, administrator)
    assert not caller.is_anyone


@pytest.mark.parametrize(
    ("claim", "claims"),
    [
        ("realm_access.roles", {"realm_access": {"roles": ["front-desk"]}}),
        ("https://appoint.example/roles", {"https://appoint.example/roles": ["front-desk"]}),
        ("a.b.c", {"a": {"b": {"c": "front-desk"}}}),
        ("a.b", {"a.b": "front-desk", "a": {"b": "root"}}),
    ],
)
def test_the_claim_of_roles_is_a_name_or_a_dotted_path(there, claim, claims):
    trust = service.read_trust(configured(there, oidc_roles_claim=claim))
    assert trust
    caller = model.actor_of({"sub": "ann", **claims}, trust)
    assert (caller.memberships, caller.administrator) == ((Membership(1, Role.RECEPTIONIST),), False)


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"realm_access": None},
        {"realm_access": "front-desk"},
        {"realm_access": ["roles"]},
        {"realm_access": {"roles": None}},
    ],
)
def test_a_path_that_leads_nowhere_gives_nothing(there, claims):
    trust = service.read_trust(configured(there, oidc_roles_claim="realm_access.roles"))
    assert trust
    assert model.actor_of({"sub": "ann", **claims}, trust).memberships == ()


async def test_people_are_told_apart_by_subject_and_issuer(there, provider):
    first, again, other = [await who(provider, there.token(NOW, sub=sub)) for sub in ("ann", "ann", "ben")]
    assert first
    assert again
    assert other
    assert (first.key == again.key, first.key == other.key) == (True, False)


# which tokens are believed


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
async def test_each_algorithm_that_is_allowed_works(there, provider, type, size, alg):
    there.add("mine", type, size)
    assert await who(provider, there.token(NOW, kid="mine", alg=alg))


@pytest.mark.parametrize("alg", ["RS384", "RS512", "PS384"])
async def test_an_algorithm_that_is_not_allowed_is_refused(there, provider, alg):
    assert await who(provider, there.token(NOW, alg=alg)) is None


def encoded(value) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def tampered(token: str, part: int, value) -> str:
    parts = token.split(".")
    parts[part] = encoded(value)
    return ".".join(parts)


def with_header(there: OpenIdProvider, header) -> str:
    """Signed as it should be, whatever the header says."""
    content = f"{encoded(header)}.{encoded(there.claims(NOW))}"
    signature = there.first.private_key.sign(content.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{content}.{encoded(signature)}"


def by_hmac(there: OpenIdProvider, alg="HS256") -> str:
    """The public key, which everybody knows, taken for a shared secret."""
    content = f"{encoded({'alg': alg, 'kid': 'first', 'typ': 'JWT'})}.{encoded(there.claims(NOW))}"
    return f"{content}.{encoded(hmac.digest(there.first.as_pem(private=False), content.encode(), alg.replace('HS', 'sha')))}"


def with_own_key(there: OpenIdProvider, **header) -> str:
    """Signed by a stranger, who says where to find the key."""
    own = jwk.generate_key("RSA", 2048)
    named = {name: own.as_dict(private=False) if value == "own" else value for name, value in header.items()}
    return there.token(NOW, key=own, header=named)


def second(**length) -> int:
    return int((NOW + timedelta(**length)).timestamp())


FORGED = {
    "no signature (none)": lambda there: f"{encoded({'alg': 'none', 'kid': 'first'})}.{encoded(there.claims(NOW))}.",
    "no signature (None)": lambda there: f"{encoded({'alg': 'None', 'kid': 'first'})}.{encoded(there.claims(NOW))}.",
    "none with the old signature": lambda there: tampered(there.token(NOW), 0, {"alg": "none", "kid": "first"}),
    "an empty signature": lambda there: there.token(NOW).rpartition(".")[0] + ".",
    "HS256 with the public key": by_hmac,
    "HS512 with the public key": lambda there: by_hmac(there, "HS512"),
    "a stranger's key": with_own_key,
    "a stranger's key in jwk": lambda there: with_own_key(there, jwk="own"),
    "a stranger's key at jku": lambda there: with_own_key(there, jku="http://127.0.0.1:1/keys"),
    "a stranger's key at x5u": lambda there: with_own_key(there, x5u="http://127.0.0.1:1/keys"),
    "a stranger's key in x5c": lambda there: with_own_key(there, x5c=["MIIB"]),
    "other claims": lambda there: tampered(there.token(NOW), 1, there.claims(NOW, roles=["root"])),
    "another header": lambda there: tampered(
        there.token(NOW), 0, {"alg": "RS256", "kid": "first", "typ": "JWT", "x": 1}
    ),
    "another audience": lambda there: there.token(NOW, aud="another"),
    "a list of other audiences": lambda there: there.token(NOW, aud=["another", "appoint2"]),
    "an empty list of audiences": lambda there: there.token(NOW, aud=[]),
    "an audience in a list in a list": lambda there: there.token(NOW, aud=[[AUDIENCE]]),
    "an audience that is an object": lambda there: there.token(NOW, aud={AUDIENCE: True}),
    "no audience": lambda there: there.token(NOW, aud=None),
    "another issuer": lambda there: there.token(NOW, iss="https://evil.example"),
    "an issuer with a slash more": lambda there: there.token(NOW, iss=there.issuer + "/"),
    "a list of issuers": lambda there: there.token(NOW, iss=[there.issuer]),
    "no issuer": lambda there: there.token(NOW, iss=None),
    "expired": lambda there: there.token(NOW, exp=second(seconds=-60)),
    "expired long ago": lambda there: there.token(NOW, exp=0),
    "no expiry": lambda there: there.token(NOW, exp=None),
    "an expiry in words": lambda there: there.token(NOW, exp="2999-01-01"),
    "an expiry that is true": lambda there: there.token(NOW, exp=True),
    "an expiry that is no number": lambda there: there.token(
        NOW, raw=json.dumps(there.claims(NOW) | {"exp": float("nan")}).encode()
    ),
    "an endless expiry": lambda there: there.token(
        NOW, raw=json.dumps(there.claims(NOW) | {"exp": float("inf")}).encode()
    ),
    "not good yet": lambda there: there.token(NOW, nbf=second(seconds=61)),
    "not before words": lambda there: there.token(NOW, nbf="now"),
    "issued in the future": lambda there: there.token(NOW, iat=second(seconds=61)),
    "no subject": lambda there: there.token(NOW, sub=None),
    "an empty subject": lambda there: there.token(NOW, sub=""),
    "a number for a subject": lambda there: there.token(NOW, sub=42),
    "a list for a subject": lambda there: there.token(NOW, sub=["ann"]),
    "the same claim twice": lambda there: there.token(
        NOW, raw=json.dumps(there.claims(NOW)).encode()[:-1] + b',"sub":"ben"}'
    ),
    "the same claim twice, deeper": lambda there: there.token(
        NOW, raw=json.dumps(there.claims(NOW)).encode()[:-1] + b',"a":{"b":1,"b":2}}'
    ),
    "no JSON": lambda there: there.token(NOW, raw=b"hello"),
    "no UTF-8": lambda there: there.token(NOW, raw=b'{"iss":"\xff"}'),
    "an empty payload": lambda there: there.token(NOW, raw=b""),
    "a list": lambda there: there.token(NOW, raw=b"[]"),
    "null": lambda there: there.token(NOW, raw=b"null"),
    "a text": lambda there: there.token(NOW, raw=b'"iss"'),
    "JSON that is nested too deeply": lambda there: there.token(NOW, raw=b"[" * 5_000 + b"]" * 5_000),
    "a number with too many digits": lambda there: there.token(NOW, raw=b'{"exp":' + b"9" * 5_000 + b"}"),
    "no key's id": lambda there: there.token(NOW, kid=None),
    "a number for a key's id": lambda there: with_header(there, {"alg": "RS256", "kid": 1}),
    "a list for a key's id": lambda there: with_header(there, {"alg": "RS256", "kid": ["first"]}),
    "an extension that must be understood": lambda there: with_header(
        there, {"alg": "RS256", "kid": "first", "crit": ["exp"], "exp": 1}
    ),
    "a payload that is not encoded": lambda there: with_header(
        there, {"alg": "RS256", "kid": "first", "crit": ["b64"], "b64": False}
    ),
    "a payload that is not encoded, silently": lambda there: with_header(
        there, {"alg": "RS256", "kid": "first", "b64": False}
    ),
    "a sign-out's token": lambda there: there.token(NOW, header={"typ": "logout+jwt"}),
    "a type that is a number": lambda there: with_header(there, {"alg": "RS256", "kid": "first", "typ": 7}),
    "the same header twice": lambda there: with_header(there, b'{"alg":"none","kid":"first","alg":"HS256"}'),
    "a header that is a list": lambda there: with_header(there, ["alg"]),
    "a header that is a text": lambda there: with_header(there, "alg"),
    "a header that is a number": lambda there: with_header(there, 7),
    "a header that is nested too deeply": lambda there: with_header(
        there, b'{"alg":' + b"[" * 1_400 + b"]" * 1_400 + b"}"
    ),
    "an algorithm that is a list": lambda there: with_header(there, {"alg": ["RS256"], "kid": "first"}),
    "an algorithm that is null": lambda there: with_header(there, {"alg": None, "kid": "first"}),
    "no algorithm": lambda there: with_header(there, {"kid": "first"}),
    "two parts": lambda there: there.token(NOW).rpartition(".")[0],
    "four parts": lambda there: there.token(NOW) + ".x",
    "five parts, as if encrypted": lambda there: there.token(NOW) + ".x.x",
    "dots alone": lambda _: "eyJ..",
    "padding": lambda there: there.token(NOW) + "==",
    "letters beyond ASCII": lambda there: there.token(NOW) + "é",
    "lone surrogates": lambda there: there.token(NOW) + "\ud800",
    "a huge header": lambda there: there.token(NOW, header={"x": "x" * 5_000}),
    "a huge token": lambda there: there.token(NOW, x="x" * 20_000),
    "a huge signature": lambda there: there.token(NOW) + "A" * 2_000,
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
async def test_a_token_that_is_not_right_is_nobodys(there, provider, forge):
    assert await who(provider, there.token(NOW)), "the right one is good"
    assert await who(provider, forge(there)) is None
    assert [
        path
        for path in there.asked
        if path not in ("/realms/clinics/.well-known/openid-configuration", "/realms/clinics/jwks")
    ] == []


GOOD = {
    "an audience among others": {"aud": ["another", AUDIENCE]},
    "a clock that is slow": {"nbf": second(seconds=60), "iat": second(seconds=60)},
    "expired within the leeway": {"exp": second(seconds=-59)},
    "an expiry in fractions": {"exp": second(seconds=60) + 0.5},
    "no issue time": {"iat": None, "nbf": None},
    "unknown claims": {"validate": 1, "sub ": "x", "nonce": None, "": {}},
    "a subject in any script": {"sub": "Анна\u0000" + "x" * 2_000},
}


@pytest.mark.parametrize("claims", GOOD.values(), ids=GOOD)
async def test_a_token_that_is_right_is_believed(there, provider, claims):
    assert await who(provider, there.token(NOW, **claims))


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
async def test_what_else_a_header_says_is_not_followed(there, provider, header):
    assert await who(provider, there.token(NOW, header=header))


@bounded(max_examples=scaled(300, 60), deadline=None)
@forall(st.data())
def test_no_change_of_a_token_is_believed_or_breaks_anything(data):
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
def test_whatever_the_provider_signs_is_read_or_refused(payload):
    token = jws.serialize_compact({"alg": "RS256", "kid": "k"}, json.dumps(payload), KEY)
    with pytest.raises(model.InvalidToken):
        model.claims_of(model.parse_token(token), jwk.KeySet([KEY]), TRUST, now=NOW)


KEY = jwk.generate_key("RSA", 2048, parameters={"kid": "k"})
TRUST = model.Trust("https://login.example.org", AUDIENCE, ["RS256"], "roles", [])


# the provider's keys


def described(**more):
    return jwk.generate_key("EC", "P-256", parameters={"kid": "good"}).as_dict(private=False) | more


USELESS = {
    "for encryption": described(use="enc"),
    "without an id": {name: value for name, value in described().items() if name != "kid"},
    "a shared secret": {"kty": "oct", "k": "AAAA", "kid": "good"},
    "private": jwk.generate_key("EC", "P-256", parameters={"kid": "good"}).as_dict(private=True),
    "of 1024 bits": {"kty": "RSA", "kid": "good", "e": "AQAB", "n": encoded(b"\xc5" + b"\x01" * 127)},
    "of an unknown kind": {"kty": "AKP", "kid": "good"},
    "of an unknown curve": described(crv="P-1"),
    "not on its curve": described(x=encoded(bytes(32))),
    "a text": "good",
    "null": None,
    "a list": [],
    "an id that is a number": described(kid=1),
}


@pytest.mark.filterwarnings("ignore:Key size should be")
@pytest.mark.parametrize("key", USELESS.values(), ids=USELESS)
def test_a_key_that_is_of_no_use_is_passed_over_and_the_others_are_not(key):
    other = jwk.generate_key("RSA", 2048, parameters={"kid": "other"}).as_dict(private=False)
    assert list(model.parse_keys(json.dumps({"keys": [key, other]}).encode())) == ["other"]


async def test_keys_are_fetched_once_and_kept(there, provider):
    for minutes in (0, 1, 5, 9):
        token = there.token(NOW + timedelta(minutes=minutes))
        assert await who(provider, token, after=timedelta(minutes=minutes))
    assert there.fetches == 1


async def test_many_at_once_share_one_fetch(there, provider):
    there.seconds = 0.2
    callers = await asyncio.gather(*(who(provider, there.token(NOW)) for _ in range(20)))
    assert (all(callers), there.fetches) == (True, 1)


async def test_who_gives_up_does_not_leave_the_others_without_keys(there, provider):
    there.seconds = 0.3
    token = there.token(NOW)
    leaves, stays = (asyncio.create_task(who(provider, token)) for _ in range(2))
    await asyncio.sleep(0.1)
    leaves.cancel()
    assert await stays
    assert leaves.cancelled()


async def test_a_new_key_is_found_when_its_first_token_comes(there, provider):
    assert await who(provider, there.token(NOW))
    there.add("second", "EC", "P-256")
    later = timedelta(minutes=2)
    assert await who(provider, there.token(NOW + later, kid="second", alg="ES256"), after=later)
    assert there.fetches == 2


async def test_ids_of_keys_that_are_not_there_ask_the_provider_once_a_minute(there, provider):
    assert await who(provider, there.token(NOW))
    for seconds in range(1, 200, 10):
        later = timedelta(seconds=seconds)
        assert await who(provider, there.token(NOW + later, header={"kid": f"made up {seconds}"}), after=later) is None
    assert there.fetches == 1 + 3


async def test_a_key_that_the_provider_withdraws_works_for_15_minutes_at_most(there, provider):
    there.add("second", "EC", "P-256")
    assert await who(provider, there.token(NOW))
    old = there.keys.pop("first")
    for minutes, works in ((5, True), (16, False)):
        later = timedelta(minutes=minutes)
        assert bool(await who(provider, there.token(NOW + later, key=old), after=later)) == works


async def test_a_busy_server_has_new_keys_before_the_old_ones_are_too_old(there, provider):
    assert await who(provider, there.token(NOW))
    later = timedelta(minutes=11)
    there.seconds = 0.2
    assert await who(provider, there.token(NOW + later), after=later)
    assert provider._fetching, "nobody has waited for it"
    await provider._fetching
    assert there.fetches == 2


async def test_while_the_provider_is_away_known_keys_work_for_a_day(there, provider):
    assert await who(provider, there.token(NOW))
    there.down = True
    for hours in (1, 12, 23.9):
        later = timedelta(hours=hours)
        assert await who(provider, there.token(NOW + later), after=later)
    too_late = timedelta(hours=24.1)
    with pytest.raises(errors.Unavailable):
        await who(provider, there.token(NOW + too_late), after=too_late)
    there.down = False
    back = too_late + timedelta(minutes=1)
    assert await who(provider, there.token(NOW + back), after=back)


async def test_while_the_provider_is_away_an_unknown_key_is_no_reason_to_say_no(there, provider):
    there.down = True
    with pytest.raises(errors.Unavailable):
        await who(provider, there.token(NOW))
    asked = len(there.asked)
    there.down = False
    with pytest.raises(errors.Unavailable) as refusal:
        await who(provider, there.token(NOW), after=timedelta(seconds=20))
    assert (len(there.asked), refusal.value.retry_after_seconds) == (asked, 40)
    assert await who(provider, there.token(NOW), after=timedelta(seconds=60))


GARBAGE = {
    "an error": 500,
    "a page that is not there": 404,
    "a redirect": 302,
    "nothing": b"",
    "no JSON": b"<html>",
    "no UTF-8": b"\xff",
    "a list": b"[]",
    "null": b"null",
    "too much": b" " * 600_000,
    "JSON that is nested too deeply": b"[" * 100_000,
    "no keys": b'{"keys": []}',
    "keys that are none": b'{"keys": 7}',
    "keys of no use": b'{"keys": [{}, null, 7, {"kty": "RSA"}]}',
}
CONFIGURATIONS = {
    "another issuer's": {"issuer": "https://evil.example", "jwks_uri": "here"},
    "no issuer": {"jwks_uri": "here"},
    "no address of keys": {"issuer": "here"},
    "keys at an address in the clear": {"issuer": "here", "jwks_uri": "http://login.example.org/jwks"},
    "keys in a file": {"issuer": "here", "jwks_uri": "file:///etc/passwd"},
    "keys at no address": {"issuer": "here", "jwks_uri": 7},
    "keys at an address with a port that cannot be": {"issuer": "here", "jwks_uri": "http://127.0.0.1:99999/"},
}


@pytest.mark.parametrize("page", [".well-known/openid-configuration", "jwks"])
@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_is_as_if_the_provider_were_away(there, provider, page, garbage):
    assert await who(provider, there.token(NOW))
    there.answers[f"/realms/clinics/{page}"] = garbage
    later = timedelta(minutes=20)
    assert await who(provider, there.token(NOW + later), after=later), "known keys go on working"
    with pytest.raises(errors.Unavailable):
        await who(provider, there.token(NOW + later, header={"kid": "another"}), after=later + timedelta(minutes=1))


@pytest.mark.parametrize("configuration", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
async def test_a_configuration_that_is_not_the_issuers_own_is_not_followed(there, provider, configuration):
    said = {"issuer": there.issuer if configuration.get("issuer") == "here" else configuration.get("issuer")}
    said |= {
        "jwks_uri": there.issuer + "/jwks" if configuration.get("jwks_uri") == "here" else configuration.get("jwks_uri")
    }
    there.answers["/realms/clinics/.well-known/openid-configuration"] = json.dumps(said).encode()
    with pytest.raises(errors.Unavailable):
        await who(provider, there.token(NOW))
    assert there.fetches == 0


async def test_a_provider_that_takes_too_long_is_away(there, provider, monkeypatch):
    monkeypatch.setattr(gateway, "FETCH_SECONDS", 0.1)
    there.seconds = 1
    with pytest.raises(errors.Unavailable):
        await who(provider, there.token(NOW))


async def test_a_provider_that_is_not_there_is_away():
    trust = service.read_trust(settings(oidc_issuer="http://127.0.0.1:1", oidc_audience=AUDIENCE, oidc_roles=ROLES))
    assert trust
    async with Provider(trust) as provider:
        token = jws.serialize_compact({"alg": "RS256", "kid": "k"}, b"{}", KEY)
        with pytest.raises(errors.Unavailable):
            await who(provider, token)


# settings


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"oidc_issuer": "http://login.example.org"}, "APPOINT_OIDC_ISSUER must look like https://"),
        ({"oidc_issuer": "login.example.org"}, "APPOINT_OIDC_ISSUER"),
        ({"oidc_issuer": "https://"}, "APPOINT_OIDC_ISSUER"),
        ({"oidc_issuer": "https://login.example.org?x=1"}, "APPOINT_OIDC_ISSUER"),
        ({"oidc_issuer": "https://ann:secret@login.example.org"}, "APPOINT_OIDC_ISSUER"),
        ({"oidc_issuer": "https://login.example.org:x"}, "APPOINT_OIDC_ISSUER"),
        ({"oidc_issuer": "http://127.0.0.1.evil.example"}, "APPOINT_OIDC_ISSUER"),
        ({"oidc_audience": None}, "Set APPOINT_OIDC_AUDIENCE"),
        ({"oidc_algorithms": ["RS256", "none"]}, "APPOINT_OIDC_ALGORITHMS names none"),
        ({"oidc_algorithms": ["HS256"]}, "APPOINT_OIDC_ALGORITHMS names HS256"),
        ({"oidc_algorithms": ["rs256"]}, "APPOINT_OIDC_ALGORITHMS names rs256"),
        ({"oidc_algorithms": []}, "APPOINT_OIDC_ALGORITHMS must name at least one"),
        ({"oidc_roles": []}, "Set APPOINT_OIDC_ROLES"),
        ({"oidc_roles": ["front-desk"]}, "“front-desk” does not have the form"),
        ({"oidc_roles": ["=receptionist:1"]}, "does not have the form"),
        ({"oidc_roles": ["x=patient:1"]}, "“x=patient:1” names no role"),
        ({"oidc_roles": ["x=partner:1"]}, "names no role"),
        ({"oidc_roles": ["x=Receptionist:1"]}, "names no role"),
        ({"oidc_roles": ["x=receptionist"]}, "does not name a clinic"),
        ({"oidc_roles": ["x=receptionist:"]}, "does not name a clinic"),
        ({"oidc_roles": ["x=receptionist:0"]}, "does not name a clinic"),
        ({"oidc_roles": ["x=receptionist:-1"]}, "does not name a clinic"),
        ({"oidc_roles": ["x=receptionist:²"]}, "does not name a clinic"),
        ({"oidc_roles": ["x=receptionist:" + "9" * 30]}, "does not name a clinic"),
        ({"oidc_roles": ["x=receptionist:" + "9" * 5000]}, "does not name a clinic"),
        ({"oidc_roles": [f"x=doctor:1:{SHAH}:more"]}, "does not name a clinic"),
        ({"oidc_roles": ["x=doctor:1"]}, "does not name the doctor"),
        ({"oidc_roles": ["x=doctor:1:shah"]}, "not by an id"),
        ({"oidc_roles": [f"x=doctor:2:{SHAH}"]}, "of another clinic"),
        ({"oidc_roles": ["x=administrator:1"]}, "names a clinic, but administrators"),
        ({"oidc_roles": ["fine=manager:1", "y=nobody:1"]}, "“y=nobody:1”"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_at_start(there, wrong, sentence):
    with pytest.raises(StartupError) as refusal:
        service.read_trust(configured(there, **wrong))
    assert sentence in str(refusal.value)


def test_the_application_is_not_made_with_them(there):
    with pytest.raises(StartupError):
        application.create(configured(there, oidc_algorithms=["none"]), database_url="", admin_token=TOKEN)


@pytest.mark.parametrize(
    "issuer",
    [
        "https://login.example.org",
        "https://login.example.org/realms/clinics/",
        "http://localhost:8080",
        "http://[::1]:8080/x",
    ],
)
def test_an_issuer_is_https_or_on_this_machine(issuer):
    assert service.read_trust(settings(oidc_issuer=issuer, oidc_audience=AUDIENCE, oidc_roles=ROLES))


def test_without_an_issuer_nobody_is_believed():
    assert service.read_trust(settings()) is None


def test_settings_are_comma_separated(monkeypatch):
    monkeypatch.setenv("APPOINT_OIDC_ROLES", "front-desk=receptionist:1, lead=manager:1")
    monkeypatch.setenv("APPOINT_OIDC_ALGORITHMS", "ES256,RS256")
    read = settings()
    assert (read.oidc_roles, read.oidc_algorithms) == (
        ["front-desk=receptionist:1", "lead=manager:1"],
        ["ES256", "RS256"],
    )


# all of it together


@pytest.fixture
async def signed_in(db, database_url, there):
    """A client of an application that believes the provider."""
    app = application.create(configured(there), database_url=database_url, admin_token=TOKEN)
    async with (
        app.lifespan(),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://testserver.local", timeout=60
        ) as client,
    ):
        for name in ("Lakeside", "Hillside", "Seaside"):
            await clinic(client, name=name)
        yield client


async def test_a_receptionist_sees_the_clinic_and_no_other_one_and_may_not_manage(signed_in, there):
    headers = {"Authorization": f"Bearer {there.token(clock.now())}"}
    asked = [f"/api/clinics/{number}/appointments" for number in (1, 2)]
    assert [(await signed_in.get(path, headers=headers)).status_code for path in asked] == [200, 404]
    assert (await signed_in.get("/api/clinics/1/webhooks", headers=headers)).status_code == 403
    assert (await signed_in.get("/api/customers", headers=headers)).status_code == 403


async def test_the_providers_administrator_is_ours(signed_in, there):
    headers = {"Authorization": f"Bearer {there.token(clock.now(), roles=['root'])}"}
    assert (await signed_in.get("/api/customers", headers=headers)).status_code == 200


async def test_who_has_signed_in_without_a_role_may_nothing(signed_in, there):
    headers = {"Authorization": f"Bearer {there.token(clock.now(), roles=[])}"}
    assert (await signed_in.get("/api/clinics/1/appointments", headers=headers)).status_code == 403
    assert (await signed_in.get("/api/clinics/1", headers=headers)).status_code == 200


async def test_a_forged_token_is_401_and_an_unknown_key_while_the_provider_is_away_503(signed_in, there):
    forged = await signed_in.get(
        "/api/clinics/1", headers={"Authorization": f"Bearer {there.token(clock.now(), aud='another')}"}
    )
    assert forged.status_code == 401
    no_token = await signed_in.get("/api/clinics/1", headers={"Authorization": "Bearer eyJ"})
    assert no_token.status_code == 401


async def test_while_the_provider_is_away_who_is_not_known_is_told_when_to_come_back(signed_in, there):
    there.down = True
    away = await signed_in.get("/api/clinics/1", headers={"Authorization": f"Bearer {there.token(clock.now())}"})
    assert (away.status_code, 1 <= int(away.headers["Retry-After"]) <= 60) == (503, True)
    assert (await signed_in.get("/api/clinics/1", headers=ADMIN)).status_code == 200


async def test_waiting_for_the_providers_keys_holds_no_connection_to_the_database(db, database_url, there):
    app = application.create(configured(there, pool_size=1), database_url=database_url, admin_token=TOKEN)
    there.seconds = 0.5
    async with (
        app.lifespan(),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://testserver.local", timeout=60
        ) as client,
    ):
        await clinic(client)
        headers = {"Authorization": f"Bearer {there.token(clock.now())}"}
        waits = asyncio.create_task(client.get("/api/clinics/1/appointments", headers=headers))
        while not there.asked:
            await asyncio.sleep(0.01)
        assert app.state.services.db.used == 0
        assert (await client.get("/api/clinics/1")).status_code == 200
        assert not waits.done()
        assert (await waits).status_code == 200


async def test_the_audit_names_the_caller_by_a_digest(signed_in, db, there):
    headers = {"Authorization": f"Bearer {there.token(clock.now(), sub='ann@example.org')}"}
    assert (await signed_in.get("/api/clinics/1/appointments", headers=headers)).status_code == 200
    (actor,) = [row.actor for row in await db.fetch("select actor from audit_unsealed where actor <> 'administrator'")]
    assert actor.startswith("oidc:")
    assert "ann" not in actor


@pytest.mark.parametrize("command", ["run", "serve"])
def test_the_server_does_not_start_with_settings_that_cannot_be_meant(command, there, monkeypatch, capsys, tmp_path):
    given = {
        "oidc_issuer": there.issuer,
        "oidc_audience": AUDIENCE,
        "oidc_roles": "front-desk=receptionist",
        "data_dir": tmp_path / "data",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"APPOINT_{name.upper()}", str(value))
    monkeypatch.setattr(sys, "argv", ["appoint", command])
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as left:
        main.main()
    said = capsys.readouterr().err
    assert (left.value.code, said.count("\n")) == (1, 1)
    assert said.startswith("appoint: APPOINT_OIDC_ROLES: “front-desk=receptionist” does not name a clinic")
    assert not (tmp_path / "data").exists()
