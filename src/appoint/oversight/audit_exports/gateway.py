"""Deliver exported heads to a directory or to another system."""

import asyncio
import os
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx2

from ...kit.errors import StartupError
from ...kit.hosts import is_loopback

POST_SECONDS: Final = 30.0
CONTENT_TYPE: Final = "application/jsonl"


class ExportError(Exception):
    """The heads could not be exported. The text says why, without secrets."""


def check_url(url: str) -> None:
    """Raise `StartupError` unless the address uses https or stays on this machine."""
    try:
        parts = urlsplit(url)
        scheme, host = parts.scheme, parts.hostname or ""
    except ValueError:
        scheme, host = "", ""
    if not host or not (scheme == "https" or (scheme == "http" and is_loopback(host))):
        raise StartupError("APPOINT_AUDIT_EXPORT_URL must look like https://archive.example.org/appoint")


async def write_file(directory: Path, text: str, *, now: datetime) -> None:
    """Write a new file that only this account can read. Existing files are never changed. Raise `ExportError`."""
    path = directory / f"audit-heads-{now:%Y%m%dT%H%M%SZ}.jsonl"
    try:
        await asyncio.to_thread(_write, path, text)
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror}") from None


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


async def post(url: str, text: str) -> None:
    """Post the heads. Does not follow redirects. Raise `ExportError`."""
    try:
        async with httpx2.AsyncClient(timeout=POST_SECONDS) as client:
            response = await client.post(url, content=text.encode(), headers={"Content-Type": CONTENT_TYPE})
    except httpx2.HTTPError as error:
        raise ExportError(f"the export address cannot be reached: {type(error).__name__}") from None
    if not response.is_success:
        raise ExportError(f"the export address responded with {response.status_code}")
