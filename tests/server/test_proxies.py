"""Appoint distinguishes callers behind a trusted proxy, and logs proxies that it does not trust."""

import httpx2
import pytest
from structlog.testing import capture_logs

from appoint.server.proxies import TrustedProxies
from support.app import composed

BRIDGE = "172.30.84.1"
"""The address that compose.yaml gives to the machine in front of the containers."""


@pytest.fixture
async def app(db, database_url):
    """The application with rate limits."""
    app = composed(database_url, rate_limits=True)
    async with app.lifespan():
        yield app


def client_of_proxy(app, trusted, *, address=BRIDGE):
    transport = httpx2.ASGITransport(TrustedProxies(app, trusted), client=(address, 1234))
    return httpx2.AsyncClient(transport=transport, base_url="http://appoint.example")


async def register(client, count):
    """Register customers from different addresses, all through the proxy."""
    return [
        await client.post("/api/customers", json={"name": "Ana"}, headers={"X-Forwarded-For": f"198.51.{n}.7"})
        for n in range(count)
    ]


async def test_each_visitor_behind_a_trusted_proxy_has_their_own_limit(app):
    with capture_logs() as logs:
        async with client_of_proxy(app, ["172.30.84.0/24"]) as client:
            responses = await register(client, 61)
    assert {response.status_code for response in responses} == {201}
    assert [line for line in logs if line["log_level"] == "warning"] == []


@pytest.mark.usefixtures("still_clock")
async def test_visitors_behind_an_unknown_proxy_share_a_limit_and_the_log_mentions_the_setting_once(app):
    with capture_logs() as logs:
        async with client_of_proxy(app, ["127.0.0.1"]) as client:
            responses = await register(client, 61)
    assert responses[-1].status_code == 429
    (warning,) = [line for line in logs if line["log_level"] == "warning"]
    assert "APPOINT_TRUSTED_PROXIES" in warning["event"]
    assert warning["address"] == BRIDGE


async def test_a_visitor_who_sends_the_header_is_not_identified_and_does_not_silence_the_warning(app):
    forwarded = {"X-Forwarded-For": "192.0.2.1"}
    wrapped = TrustedProxies(app, ["127.0.0.1"])
    with capture_logs() as logs:
        for address in ("8.8.8.8", "8.8.4.4", BRIDGE, BRIDGE):
            transport = httpx2.ASGITransport(wrapped, client=(address, 1234))
            async with httpx2.AsyncClient(transport=transport, base_url="http://appoint.example") as client:
                await client.get("/healthz", headers=forwarded)
    warnings = [line["address"] for line in logs if line["log_level"] == "warning"]
    assert warnings == ["a public address", BRIDGE]


@pytest.mark.parametrize(("trusted", "is_secure"), [([BRIDGE], True), (["127.0.0.1"], False)])
async def test_only_a_trusted_proxy_can_mark_the_connection_as_encrypted(app, trusted, is_secure):
    async with client_of_proxy(app, trusted) as client:
        response = await client.get("/api/clinics", headers={"X-Forwarded-Proto": "https"})
    assert ("Strict-Transport-Security" in response.headers) == is_secure
