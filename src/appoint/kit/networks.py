"""Networks that addresses belong to."""

import ipaddress
from functools import lru_cache
from typing import Final

IPV4_PREFIX: Final = 24
IPV6_PREFIX: Final = 48


@lru_cache(10_000)
def network_around(address: str) -> str:
    """Return the network around an address, large enough not to identify a person: `203.0.113.0/24` or
    `2001:db8:7::/48`. Return anything that is not an address unchanged."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    prefix = IPV4_PREFIX if parsed.version == 4 else IPV6_PREFIX
    return str(ipaddress.ip_network((parsed, prefix), strict=False))
