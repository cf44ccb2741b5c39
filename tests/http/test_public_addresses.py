"""Webhooks lead to the public internet and nowhere else, however an address is written and whatever a name means from
one moment to the next."""

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections.abc import Sequence
from typing import Self

import pytest

from appoint.integrations.webhooks import gateway
from appoint.kit.errors import Invalid

PUBLIC = "93.184.215.14"


@pytest.fixture
def names(monkeypatch):
    """What names mean: a list of answers each, the last of which stays. Addresses mean themselves."""
    known: dict[str, list[Sequence[str]]] = {}
    asked: list[str] = []
    system = socket.getaddrinfo

    def looked_up(host, port, *args, **kwargs):
        if host not in known:
            return system(host, port, *args, **kwargs)
        asked.append(host)
        answers = known[host]
        return [
            found
            for address in (answers.pop(0) if len(answers) > 1 else answers[0])
            for found in system(address, port, *args, **kwargs)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    known["asked"] = asked
    return known


class Listener:
    """A server on this machine that takes note of what it is sent, says the same to everyone, and hangs up."""

    def __init__(self, says: bytes = b"", *, tls: ssl.SSLContext | None = None) -> None:
        self.says = says
        self.tls = tls
        self.heard: list[bytes] = []

    async def __aenter__(self) -> Self:
        self.server = await asyncio.start_server(self.answer, "127.0.0.1", 0, ssl=self.tls)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard.append(await reader.read(65536))
        writer.write(self.says)
        writer.close()


async def sent(url: str, *, private_addresses: bool = False):
    async with gateway.connection_pool(private_addresses=private_addresses) as pool:
        return await gateway.post(pool, url, b"{}", headers={}, seconds=5)


async def refused(url: str, **more: bool) -> str | None:
    try:
        await gateway.check_url(url, **({"private_addresses": False} | more))
    except Invalid as invalid:
        (fault,) = invalid.faults
        assert fault.pointer == "#/url"
        return fault.text
    return None


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.0.9",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::8.8.8.8",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:808:808::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%1",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
    ],
)
def test_an_address_that_not_everybody_reaches_is_not_public(address):
    assert not gateway.is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        PUBLIC,
        "100.63.255.255",
        "172.32.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2606:4700::1111",
        "2a00:1450::1",
    ],
)
def test_an_address_that_everybody_reaches_is_public(address):
    assert gateway.is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "0X7F.0.0.1",
        "017700000001",
        "0177.0.0.1",
        "0",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::FFFF:7F00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1%251]",
        "[fe80::1%1]",
        "169.254.169.254",
        "2852039166",
        "[fd00:ec2::254]",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "LocalHost",
        "1２7.0.0.1",
        "ⓛocalhost",
        "127。0。0。1",
        "%6c%6f%63%61%6c%68%6f%73%74",
        "%31%32%37.0.0.1",
        "8.8.8.8\\@127.0.0.1",
        "8.8.8.8#@127.0.0.1",
        "8.8.8.8:443@127.0.0.1",
    ],
)
async def test_no_spelling_of_a_private_address_is_taken(host):
    """`8.8.8.8#…` is 8.8.8.8 with a fragment, to which the request goes too."""
    assert (await refused(f"https://{host}/") is None) == host.startswith("8.8.8.8#")


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "127.0.0.1"]
)
async def test_nothing_is_sent_to_a_private_address_whatever_its_spelling(host):
    async with Listener() as listener:
        outcome = await sent(f"http://{host}:{listener.port}/")
        assert (outcome.response_status, listener.heard) == (None, [])
        assert outcome.reason in (gateway.NOT_PUBLIC, gateway.UNRESOLVED)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://8.8.8.8/", "must start with https://"),
        ("https://ana@8.8.8.8/", "must not contain a user name or password"),
        ("https://ana:secret@8.8.8.8/", "must not contain a user name or password"),
        ("https:///appoint", "must be a URL, such as https://partner.example.com/appoint"),
        ("https://8.8.8.8:0/", "must be a URL, such as https://partner.example.com/appoint"),
        ("https://8.8.8.8:65536/", "must be a URL, such as https://partner.example.com/appoint"),
        ("https://8.8.8.8:x/", "must be a URL, such as https://partner.example.com/appoint"),
        ("https://8.8.8.256/", "must be a URL, such as https://partner.example.com/appoint"),
        ("https://[8.8.8.8]/", "must be a URL, such as https://partner.example.com/appoint"),
        ("https://[::1/", "must be a URL, such as https://partner.example.com/appoint"),
        ("https://\x7f/", "must be a URL, such as https://partner.example.com/appoint"),
        (f"https://{'x' * 64}.example/", gateway.UNRESOLVED),
        ("https://nobody.invalid/", gateway.UNRESOLVED),
    ],
)
async def test_what_is_wrong_with_a_url_is_said(url, text):
    assert await refused(url) == text


async def test_a_public_address_is_taken_by_number_and_by_name(names):
    names["xn--bcher-kva.example"] = [[PUBLIC, "2606:4700::1111"]]
    assert [
        await refused(f"https://{host}/")
        for host in ("8.8.8.8", "8.8.8.8:8443", "[2606:4700::1111]", "bücher.example", "BÜCHER.example")
    ] == [None] * 5


async def test_one_private_address_among_public_ones_is_enough_to_refuse(names):
    names["partner.example"] = [[PUBLIC, "10.0.0.1"]]
    assert await refused("https://partner.example/") == gateway.NOT_PUBLIC


async def test_a_name_that_has_become_private_since_it_was_checked_is_not_connected_to(names):
    async with Listener() as listener:
        names["partner.example"] = [[PUBLIC], ["127.0.0.1"]]
        assert await refused("https://partner.example/") is None
        outcome = await sent(f"http://partner.example:{listener.port}/")
        assert (outcome.reason, listener.heard) == (gateway.NOT_PUBLIC, [])


async def test_what_is_looked_at_is_what_is_connected_to(names):
    """A name that changes between the look and the connection is asked once only."""
    async with Listener() as listener:
        names["partner.example"] = [["127.0.0.1"], ["192.0.2.1"]]
        await sent(f"http://partner.example:{listener.port}/", private_addresses=True)
        assert (names["asked"], len(listener.heard)) == (["partner.example"], 1)


async def test_the_next_address_is_tried_when_one_cannot_be_reached(names):
    async with Listener() as listener:
        names["partner.example"] = [["::1", "127.0.0.1"]]
        await sent(f"http://partner.example:{listener.port}/", private_addresses=True)
        assert len(listener.heard) == 1


async def test_tls_and_http_go_by_the_name_not_by_the_address(names):
    names["partner.example"] = [["127.0.0.1"]]
    async with Listener() as listener:
        for scheme in ("http", "https"):
            await sent(f"{scheme}://partner.example:{listener.port}/", private_addresses=True)
        plain, hello = listener.heard
    assert f"\r\nHost: partner.example:{listener.port}\r\n".encode() in plain
    assert b"partner.example" in hello


async def test_a_server_without_tls_is_sent_nothing_over_https():
    async with Listener(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as listener:
        outcome = await sent(f"https://127.0.0.1:{listener.port}/", private_addresses=True)
        assert (outcome.response_status, outcome.reason) == (None, "failed the TLS handshake")
        assert b"POST" not in listener.heard[0]


async def test_a_certificate_that_nobody_vouches_for_is_not_enough(tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=localhost",
            "-days",
            "2",
            "-keyout",
            "key.pem",
            "-out",
            "certificate.pem",
        ],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    async with Listener(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", tls=tls) as listener:
        outcome = await sent(f"https://localhost:{listener.port}/", private_addresses=True)
        assert (outcome.response_status, outcome.reason, listener.heard) == (
            None,
            "has an invalid certificate: self-signed certificate",
            [],
        )


async def test_no_proxy_of_the_environment_is_used(monkeypatch):
    async with Listener() as proxy, Listener() as listener:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        await sent(f"http://127.0.0.1:{listener.port}/", private_addresses=True)
        assert (proxy.heard, len(listener.heard)) == ([], 1)


async def test_private_addresses_and_plain_http_are_taken_where_the_setting_says_so():
    assert await refused("http://127.0.0.1:8000/", private_addresses=True) is None


async def test_names_that_take_long_hold_up_no_others(monkeypatch):
    """Twenty are being looked up, which is more than the event loop has threads, and none is found before another name
    is."""
    found = asyncio.Event()
    loop = asyncio.get_running_loop()
    system = socket.getaddrinfo

    def looked_up(host, *args, **kwargs):
        if host == "slow.example":
            asyncio.run_coroutine_threadsafe(found.wait(), loop).result(10)
        return system("127.0.0.1", *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    slow = [asyncio.create_task(refused("https://slow.example/")) for _ in range(20)]
    await asyncio.sleep(0)
    assert await refused("https://quick.example/") == gateway.NOT_PUBLIC
    found.set()
    assert set(await asyncio.gather(*slow)) == {gateway.NOT_PUBLIC}
