"""ETags and versions, which identify the state of the resource that a change is based on."""

import hashlib
from typing import Any

import msgspec

from ..kit import errors


def etag(version: int) -> str:
    return f'"v{version}"'


def digest(content: Any) -> str:
    """Return the ETag for content without a version: a digest of its representation."""
    return digest_of_bytes(msgspec.json.encode(content))


def digest_of_bytes(body: bytes) -> str:
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def check(if_match: str | None, version: int | str, *, required: bool = False) -> None:
    """Refuse a change that was based on a different version (or ETag). Raise `VersionMismatch`, or `VersionRequired` if
    the clinic requires `If-Match` and it is absent.
    """
    if if_match is None:
        if required:
            raise errors.VersionRequired
    elif not matches(if_match, version if isinstance(version, str) else etag(version)):
        raise errors.VersionMismatch


def matches(header: str | None, tag: str, *, weakly: bool = False) -> bool:
    """Return whether an `If-Match` or (weakly) an `If-None-Match` header includes the tag (RFC 9110, 13.1)."""
    if header is None:
        return False
    tags = [part.strip() for part in header.split(",")]
    return "*" in tags or tag in ([part.removeprefix("W/") for part in tags] if weakly else tags)
