"""How the OpenID provider's keys are loaded and cached, and what happens while the provider is unavailable."""

import asyncio
import json
from datetime import timedelta

import httpx2
import pytest
from joserfc import jwk, jws

from appoint.identity.oidc import gateway, model, service
from appoint.identity.oidc.gateway import Provider
from appoint.kit import errors
from support.app import settings
from support.oidc import KEY, NOW, ROLES, encoded, identify
from support.provider import AUDIENCE


def key_document(**more):
    return jwk.generate_key("EC", "P-256", parameters={"kid": "good"}).as_dict(private=False) | more


UNUSABLE = {
    "for encryption": key_document(use="enc"),
    "without an id": {name: value for name, value in key_document().items() if name != "kid"},
    "a shared secret": {"kty": "oct", "k": "AAAA", "kid": "good"},
    "private": jwk.generate_key("EC", "P-256", parameters={"kid": "good"}).as_dict(private=True),
    "with 1024 bits": {"kty": "RSA", "kid": "good", "e": "AQAB", "n": encoded(b"\xc5" + b"\x01" * 127)},
    "of an unknown kind": {"kty": "AKP", "kid": "good"},
    "on an unknown curve": key_document(crv="P-1"),
    "not on its curve": key_document(x=encoded(bytes(32))),
    "a string": "good",
    "null": None,
    "a list": [],
    "an id that is a number": key_document(kid=1),
}


@pytest.mark.filterwarnings("ignore:Key size should be")
@pytest.mark.parametrize("key", UNUSABLE.values(), ids=UNUSABLE)
def test_an_unusable_key_is_skipped_and_the_others_are_loaded(key):
    other = jwk.generate_key("RSA", 2048, parameters={"kid": "other"}).as_dict(private=False)
    assert list(model.parse_keys(json.dumps({"keys": [key, other]}).encode())) == ["other"]


async def test_keys_are_fetched_once_and_cached(idp, provider):
    for minutes in (0, 1, 5, 9):
        token = idp.token(NOW + timedelta(minutes=minutes))
        assert await identify(provider, token, after=timedelta(minutes=minutes))
    assert idp.fetches == 1


async def test_concurrent_requests_share_one_fetch_of_the_keys(idp, provider):
    idp.seconds = 0.2
    callers = await asyncio.gather(*(identify(provider, idp.token(NOW)) for _ in range(20)))
    assert (all(callers), idp.fetches) == (True, 1)


async def test_a_cancelled_request_does_not_cancel_the_shared_fetch(idp, provider):
    idp.seconds = 0.3
    token = idp.token(NOW)
    leaves, stays = (asyncio.create_task(identify(provider, token)) for _ in range(2))
    await asyncio.sleep(0.1)
    leaves.cancel()
    assert await stays
    assert leaves.cancelled()


async def test_a_token_with_a_new_key_triggers_a_fetch(idp, provider):
    assert await identify(provider, idp.token(NOW))
    idp.add("second", "EC", "P-256")
    later = timedelta(minutes=2)
    assert await identify(provider, idp.token(NOW + later, kid="second", alg="ES256"), after=later)
    assert idp.fetches == 2


async def test_unknown_key_ids_trigger_at_most_one_fetch_a_minute(idp, provider):
    assert await identify(provider, idp.token(NOW))
    for seconds in range(1, 200, 10):
        later = timedelta(seconds=seconds)
        assert (
            await identify(provider, idp.token(NOW + later, header={"kid": f"unknown {seconds}"}), after=later) is None
        )
    assert idp.fetches == 1 + 3


async def test_a_withdrawn_key_works_for_at_most_15_minutes(idp, provider):
    idp.add("second", "EC", "P-256")
    assert await identify(provider, idp.token(NOW))
    old = idp.keys.pop("first")
    for minutes, works in ((5, True), (16, False)):
        later = timedelta(minutes=minutes)
        assert bool(await identify(provider, idp.token(NOW + later, key=old), after=later)) == works


async def test_keys_are_refreshed_in_the_background_before_they_expire(idp, provider):
    assert await identify(provider, idp.token(NOW))
    later = timedelta(minutes=11)
    idp.seconds = 0.2
    assert await identify(provider, idp.token(NOW + later), after=later)
    assert provider._fetching, "no request should wait for it"
    await provider._fetching
    assert idp.fetches == 2


async def test_cached_keys_work_for_a_day_while_the_provider_is_unavailable(idp, provider):
    assert await identify(provider, idp.token(NOW))
    idp.down = True
    for hours in (1, 12, 23.9):
        later = timedelta(hours=hours)
        assert await identify(provider, idp.token(NOW + later), after=later)
    too_late = timedelta(hours=24.1)
    with pytest.raises(errors.Unavailable):
        await identify(provider, idp.token(NOW + too_late), after=too_late)
    idp.down = False
    back = too_late + timedelta(minutes=1)
    assert await identify(provider, idp.token(NOW + back), after=back)


async def test_tokens_are_not_rejected_before_the_keys_have_been_fetched(idp, provider):
    idp.down = True
    with pytest.raises(errors.Unavailable):
        await identify(provider, idp.token(NOW))
    request_count = len(idp.requests)
    idp.down = False
    with pytest.raises(errors.Unavailable) as refusal:
        await identify(provider, idp.token(NOW), after=timedelta(seconds=20))
    assert (len(idp.requests), refusal.value.retry_after_seconds) == (request_count, 40)
    assert await identify(provider, idp.token(NOW), after=timedelta(seconds=60))


GARBAGE = {
    "an error": 500,
    "not found": 404,
    "a redirect": 302,
    "nothing": b"",
    "not JSON": b"<html>",
    "not UTF-8": b"\xff",
    "a list": b"[]",
    "null": b"null",
    "an oversized response": b" " * 600_000,
    "JSON that is nested too deeply": b"[" * 100_000,
    "no keys": b'{"keys": []}',
    "a number as keys": b'{"keys": 7}',
    "unusable keys only": b'{"keys": [{}, null, 7, {"kty": "RSA"}]}',
}
CONFIGURATIONS = {
    "another issuer's": {"issuer": "https://evil.example", "jwks_uri": "here"},
    "no issuer": {"jwks_uri": "here"},
    "no key address": {"issuer": "here"},
    "keys at an unencrypted address": {"issuer": "here", "jwks_uri": "http://login.example.org/jwks"},
    "keys in a file": {"issuer": "here", "jwks_uri": "file:///etc/passwd"},
    "a number as the key address": {"issuer": "here", "jwks_uri": 7},
    "keys at an impossible port": {"issuer": "here", "jwks_uri": "http://127.0.0.1:99999/"},
}


@pytest.mark.parametrize("page", [".well-known/openid-configuration", "jwks"])
@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
async def test_a_provider_that_sends_an_invalid_response_counts_as_unavailable(idp, provider, page, garbage):
    assert await identify(provider, idp.token(NOW))
    idp.responses[f"/realms/clinics/{page}"] = garbage
    later = timedelta(minutes=20)
    assert await identify(provider, idp.token(NOW + later), after=later), "cached keys should still work"
    with pytest.raises(errors.Unavailable):
        await identify(provider, idp.token(NOW + later, header={"kid": "another"}), after=later + timedelta(minutes=1))


@pytest.mark.parametrize("configuration", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
async def test_an_invalid_provider_configuration_is_not_followed(idp, provider, configuration):
    document = {"issuer": idp.issuer if configuration.get("issuer") == "here" else configuration.get("issuer")}
    document |= {
        "jwks_uri": idp.issuer + "/jwks" if configuration.get("jwks_uri") == "here" else configuration.get("jwks_uri")
    }
    idp.responses["/realms/clinics/.well-known/openid-configuration"] = json.dumps(document).encode()
    with pytest.raises(errors.Unavailable):
        await identify(provider, idp.token(NOW))
    assert idp.fetches == 0


async def test_a_provider_that_times_out_is_unavailable(idp, provider, monkeypatch):
    monkeypatch.setattr(gateway, "FETCH_SECONDS", 0.1)
    idp.seconds = 1
    with pytest.raises(errors.Unavailable):
        await identify(provider, idp.token(NOW))


async def test_a_provider_that_cannot_be_reached_is_unavailable():
    trust = service.read_trust(settings(oidc_issuer="http://127.0.0.1:1", oidc_audience=AUDIENCE, oidc_roles=ROLES))
    assert trust
    async with Provider(trust) as provider:
        token = jws.serialize_compact({"alg": "RS256", "kid": "k"}, b"{}", KEY)
        with pytest.raises(errors.Unavailable):
            await identify(provider, token)


@pytest.mark.parametrize(
    ("scheme", "reason"), [("https", "it failed the TLS handshake"), ("http", "it did not respond with HTTP")]
)
async def test_a_provider_that_cannot_be_reached_is_reported_with_the_reason(scheme, reason):
    async def handle(_, writer) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with listener, httpx2.AsyncClient() as client:
        with pytest.raises(gateway.FetchError, match=f"^{reason}$"):
            await gateway.fetch(client, f"{scheme}://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
