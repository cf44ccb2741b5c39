"""The schema that the migrations create, as text: for people to read, and for a check to compare."""

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
    """Return the dump of an empty database, migrated on a temporary server."""
    with tempfile.TemporaryDirectory(prefix="appoint-schema-") as folder:
        place = Path(folder)
        place.chmod(0o711)  # root's server runs under another account
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
            dump = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 -- fixed program and address
    return HEADER + _readable(dump)


def _readable(dump: str) -> str:
    """Remove lines that differ between machines and versions, and noise."""
    lines = [
        line for line in dump.splitlines() if not line.startswith(("--", "\\", "SET ", "SELECT pg_catalog.set_config"))
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
