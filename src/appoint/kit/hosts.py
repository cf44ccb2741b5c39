"""Hosts in URLs and settings."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Return whether the host is this machine, so that traffic to it never crosses a network."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
