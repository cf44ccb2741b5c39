"""Reverse proxies: take the caller's address from the trusted ones, and warn about the others."""

import ipaddress
from typing import Any, Final

import structlog
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

log = structlog.get_logger()

FORWARDING_HEADERS: Final = frozenset({b"x-forwarded-for", b"x-forwarded-proto"})


class TrustedProxies(ProxyHeadersMiddleware):
    """uvicorn's middleware, which also warns if the headers come from an address that is not trusted.

    It warns at most twice, because anyone can send these headers: once about an address on a private network, which is
    probably the proxy, and once about a public one. Only private addresses are logged, because public ones may belong
    to people.
    """

    def __init__(self, app: Any, addresses: list[str]) -> None:
        super().__init__(app, addresses)
        self.warned: Final[set[bool]] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if len(self.warned) < 2 and scope["type"] == "http":
            self._check(scope)
        await super().__call__(scope, receive, send)

    def _check(self, scope: Any) -> None:
        address = scope["client"][0] if scope.get("client") else None
        if address in self.trusted_hosts or not any(name in FORWARDING_HEADERS for name, _ in scope["headers"]):
            return
        is_private = _is_private(address)
        if is_private in self.warned:
            return
        self.warned.add(is_private)
        log.warning(
            "forwarded headers ignored: if they come from your proxy, add its address to APPOINT_TRUSTED_PROXIES; "
            "until then, everyone behind it shares one rate limit",
            address=address if is_private else "a public address",
        )


def _is_private(address: str | None) -> bool:
    try:
        return ipaddress.ip_address(address or "").is_private
    except ValueError:
        return False
