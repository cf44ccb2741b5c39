"""Lists of networks from which requests are accepted."""

import ipaddress
from collections.abc import Collection
from functools import lru_cache
from typing import Annotated

from msgspec import Meta

from .fields import constraint
from .i18n import translatable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NetworkAddresses = ipaddress.IPv4Network | ipaddress.IPv6Network


@lru_cache(1_000)
def _parse(network: str) -> NetworkAddresses:
    return ipaddress.ip_network(network)


def _check_network(value: str) -> str | None:
    try:
        _parse(value)
    except ValueError:
        return translatable("must be a network, such as 203.0.113.0/24, or an address")
    return None


Network = Annotated[str, constraint(_check_network, example="203.0.113.0/24", schema={"format": "cidr"}, max_length=50)]
Networks = Annotated[list[Network], Meta(max_length=100)]


def normalized(networks: Collection[str]) -> list[str]:
    """Return the networks in the form that the database stores: sorted, without duplicates, each with its prefix
    length.
    """
    return sorted({str(_parse(network)) for network in networks})


def is_within(address: str | None, networks: Collection[str]) -> bool:
    """Return whether the address is in one of the networks. An empty list allows every address."""
    if not networks:
        return True
    try:
        parsed: Address = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return any(parsed in _parse(network) for network in networks)
