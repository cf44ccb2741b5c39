"""Webhooks can only have URLs on the public internet, however an address is written."""

import asyncio
import socket

import pytest

from appoint.integrations.webhooks import gateway
from appoint.kit import public_internet
from support.webhook_network import PUBLIC_ADDRESS, Names, rejection


@pytest.fixture
def names(monkeypatch) -> Names:
    """Names that resolve to the addresses a test gives them. Addresses resolve to themselves."""
    return Names(monkeypatch)


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
def test_a_private_or_reserved_address_is_not_public(address):
    assert not public_internet.is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        PUBLIC_ADDRESS,
        "100.63.255.255",
        "172.32.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2606:4700::1111",
        "2a00:1450::1",
    ],
)
def test_a_globally_routable_address_is_public(address):
    assert public_internet.is_public(address)


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
async def test_a_private_address_is_rejected_in_every_spelling(host):
    """`8.8.8.8#…` is a public address with a fragment, and requests go to 8.8.8.8."""
    assert (await rejection(f"https://{host}/") is None) == host.startswith("8.8.8.8#")


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
        ("https://8.8.8.8:25/", "must use port 443, or port 1024 or higher"),
        ("https://8.8.8.8:1023/", "must use port 443, or port 1024 or higher"),
        # the same text as for names with private addresses, so that it doesn't reveal which internal names exist
        (f"https://{'x' * 64}.example/", gateway.NOT_PUBLIC),
        ("https://nobody.invalid/", gateway.NOT_PUBLIC),
    ],
)
async def test_an_invalid_url_is_rejected_with_the_reason(url, text):
    assert await rejection(url) == text


async def test_a_public_address_is_accepted_as_a_number_and_as_a_name(names):
    names["xn--bcher-kva.example"] = [[PUBLIC_ADDRESS, "2606:4700::1111"]]
    assert [
        await rejection(f"https://{host}/")
        for host in ("8.8.8.8", "8.8.8.8:8443", "[2606:4700::1111]", "bücher.example", "BÜCHER.example")
    ] == [None] * 5


async def test_a_name_with_one_private_address_is_rejected(names):
    names["partner.example"] = [[PUBLIC_ADDRESS, "10.0.0.1"]]
    assert await rejection("https://partner.example/") == gateway.NOT_PUBLIC


async def test_a_setting_allows_private_addresses_and_plain_http():
    assert await rejection("http://127.0.0.1:8000/", private_addresses=True) is None


async def test_slow_lookups_do_not_delay_other_names(monkeypatch):
    """Twenty lookups, more than the event loop has threads for, wait until a different name has been resolved."""
    quick_done = asyncio.Event()
    loop = asyncio.get_running_loop()
    system = socket.getaddrinfo

    def look_up(host, *args, **kwargs):
        if host == "slow.example":
            asyncio.run_coroutine_threadsafe(quick_done.wait(), loop).result(10)
        return system("127.0.0.1", *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    slow = [asyncio.create_task(rejection("https://slow.example/")) for _ in range(20)]
    await asyncio.sleep(0)
    assert await rejection("https://quick.example/") == gateway.NOT_PUBLIC
    quick_done.set()
    assert set(await asyncio.gather(*slow)) == {gateway.NOT_PUBLIC}
