"""The networks that an address belongs to: the caller's own, and wider ones that the caller may also control."""

import hmac
import ipaddress
from functools import lru_cache
from typing import Final, NamedTuple

from .counters import Rate

WIDER_NETWORKS: Final = {4: ((24, 4),), 6: ((56, 2), (48, 4))}
"""The wider networks to count, by IP version: each network's prefix length, and how many callers may share it."""
UNKNOWN: Final = ""


class Network(NamedTuple):
    name: str
    shared_by: int
    """How many callers may share it. Its limits are this many times as high as one caller's."""

    def limit(self, rate: Rate, factor: int = 1) -> Rate:
        """Return the network's limit, given the limit for one caller."""
        return rate._replace(most=rate.most * self.shared_by * factor)


@lru_cache(10_000)
def networks_of(address: str | None) -> tuple[Network, ...]:
    """Return the networks that contain the address, narrowest first.

    The first one belongs to a single caller: an IPv4 address, or the first 64 bits of an IPv6 address, because one
    caller controls all the addresses in them. The wider ones stop a caller who controls many of these networks.
    """
    try:
        parsed = ipaddress.ip_address((address or UNKNOWN).partition("%")[0])
    except ValueError:
        return (Network(address or UNKNOWN, 1),)
    if isinstance(parsed, ipaddress.IPv6Address):
        parsed = parsed.ipv4_mapped or parsed
    own = str(parsed) if parsed.version == 4 else str(ipaddress.IPv6Network((parsed, 64), strict=False).network_address)
    return (
        Network(own, 1),
        *(
            Network(str(ipaddress.ip_network((parsed, length), strict=False)), shared_by)
            for length, shared_by in WIDER_NETWORKS[parsed.version]
        ),
    )


def network_of(address: str | None) -> str:
    """Return the narrowest network that contains the address."""
    return networks_of(address)[0].name


def network_digest(secret: str, clinic_id: int, network: Network) -> bytes:
    """Return a digest that identifies the network at one clinic, and that can be stored in place of the address."""
    return hmac.digest(secret.encode(), f"network\n{clinic_id}\n{network.name}".encode(), "sha256")[:16]
