"""Webhooks connect only to the address that was checked, and use TLS with the host name."""

import ssl

import pytest

from appoint.integrations.webhooks import gateway
from support.gateways import self_signed_certificate
from support.webhook_network import PUBLIC_ADDRESS, Listener, Names, post, rejection


@pytest.fixture
def names(monkeypatch) -> Names:
    """Names that resolve to the addresses a test gives them. Addresses resolve to themselves."""
    return Names(monkeypatch)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "127.0.0.1"]
)
async def test_nothing_is_sent_to_a_private_address_in_any_spelling(host):
    async with Listener() as listener:
        outcome = await post(f"http://{host}:{listener.port}/")
        assert (outcome.response_status, listener.requests) == (None, [])
        assert outcome.reason == gateway.NOT_PUBLIC


async def test_no_connection_is_made_to_a_name_that_became_private_after_its_check(names):
    async with Listener() as listener:
        names["partner.example"] = [[PUBLIC_ADDRESS], ["127.0.0.1"]]
        assert await rejection("https://partner.example/") is None
        outcome = await post(f"http://partner.example:{listener.port}/")
        assert (outcome.reason, listener.requests) == (gateway.NOT_PUBLIC, [])


async def test_the_connection_is_made_to_the_address_that_was_checked(names):
    """The name is resolved once, so a change between the check and the connection has no effect."""
    async with Listener() as listener:
        names["partner.example"] = [["127.0.0.1"], ["192.0.2.1"]]
        await post(f"http://partner.example:{listener.port}/", private_addresses=True)
        assert (names.lookups, len(listener.requests)) == (["partner.example"], 1)


async def test_the_next_address_is_tried_when_one_is_unreachable(names):
    async with Listener() as listener:
        names["partner.example"] = [["::1", "127.0.0.1"]]
        await post(f"http://partner.example:{listener.port}/", private_addresses=True)
        assert len(listener.requests) == 1


async def test_tls_and_http_use_the_host_name_instead_of_the_address(names):
    names["partner.example"] = [["127.0.0.1"]]
    async with Listener() as listener:
        for scheme in ("http", "https"):
            await post(f"{scheme}://partner.example:{listener.port}/", private_addresses=True)
        plain, hello = listener.requests
    assert f"\r\nHost: partner.example:{listener.port}\r\n".encode() in plain
    assert b"partner.example" in hello


async def test_an_https_request_to_a_server_without_tls_does_not_send_anything():
    async with Listener(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as listener:
        outcome = await post(f"https://127.0.0.1:{listener.port}/", private_addresses=True)
        assert (outcome.response_status, outcome.reason) == (None, "failed the TLS handshake")
        assert b"POST" not in listener.requests[0]


async def test_a_self_signed_certificate_is_rejected(tmp_path):
    certificate = self_signed_certificate(tmp_path)
    if not certificate:
        pytest.skip("openssl is not installed")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    async with Listener(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", tls=tls) as listener:
        outcome = await post(f"https://localhost:{listener.port}/", private_addresses=True)
        assert (outcome.response_status, outcome.reason, listener.requests) == (
            None,
            "has an invalid certificate: self-signed certificate",
            [],
        )


async def test_proxies_in_the_environment_are_ignored(monkeypatch):
    async with Listener() as proxy, Listener() as listener:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        await post(f"http://127.0.0.1:{listener.port}/", private_addresses=True)
        assert (proxy.requests, len(listener.requests)) == ([], 1)
