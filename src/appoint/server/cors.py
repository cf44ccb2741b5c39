"""Requests from scripts on other sites."""

from typing import Final

from litestar.config.cors import CORSConfig

from ..http.openapi_headers import LIMITS

EXPOSED_HEADERS: Final = [
    "ETag", "Location", "Link", "Undo-URL", "X-Request-ID", "Idempotent-Replayed", "Appoint-Position", "Retry-After",
    "Appoint-Missing-Cells", *LIMITS,
]  # fmt: skip
"""The response headers that other sites' scripts can read."""


def cors_config(origins: list[str]) -> CORSConfig | None:
    """Return the rules for these origins, or None if no other site may call the API."""
    return CORSConfig(allow_origins=origins, expose_headers=EXPOSED_HEADERS, max_age=600) if origins else None
