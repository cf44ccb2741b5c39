"""Which version of a thing a change was meant for."""

import hashlib
from typing import Any

import msgspec

from ..kit import errors


def etag(version: int) -> str:
    return f'"v{version}"'


def digest(content: Any) -> str:
    """The ETag of what has no version: a digest of what is shown."""
    return f'"{hashlib.blake2b(msgspec.json.encode(content), digest_size=12).hexdigest()}"'


def check(if_match: str | None, version: int | str, *, required: bool = False) -> None:
    """Refuse a change of another version (or ETag) than the caller has read. Raises `VersionMismatch`, or
    `VersionRequired` where the clinic insists."""
    if if_match is None:
        if required:
            raise errors.VersionRequired
    elif not matches(if_match, version if isinstance(version, str) else etag(version)):
        raise errors.VersionMismatch


def matches(header: str | None, tag: str, *, weakly: bool = False) -> bool:
    """Whether an `If-Match` or (weakly) an `If-None-Match` header names the tag (RFC 9110, 13.1)."""
    if header is None:
        return False
    tags = [part.strip() for part in header.split(",")]
    return "*" in tags or tag in ([part.removeprefix("W/") for part in tags] if weakly else tags)
