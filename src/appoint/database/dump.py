"""The schema as text: what migrating an empty database gives, for people to read and for a check to compare."""

import asyncio
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from . import embedded, migrate

FILE: Final = Path(__file__).with_name("schema.sql")
HEADER: Final = "-- What the migrations make. Written by `appoint schema`; do not edit.\n\n"


def schema() -> str:
    """Migrates an empty database on a server of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="appoint-schema-") as folder:
        place = Path(folder)
        place.chmod(0o711)  # for root the server runs as somebody else
        with embedded.running(place / "data", durable=False, say=lambda _: None) as server:
            asyncio.run(migrate.upgrade(server.url))
            command = [
                server.binaries / "pg_dump",
                "--schema-only",
                "--no-owner",
                "--no-privileges",
                "--no-comments",
                "--exclude-table=schema_migration",
                server.url,
            ]
            dumped = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 -- our own program and address
    return HEADER + _readable(dumped)


def _readable(dumped: str) -> str:
    """Without what differs between machines and versions, and what says nothing."""
    lines = [
        line
        for line in dumped.splitlines()
        if not line.startswith(("--", "\\", "SET ", "SELECT pg_catalog.set_config"))
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
