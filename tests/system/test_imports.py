"""A server starts without loading libraries for features that it may never use."""

import subprocess
import sys

OPTIONAL = (
    "aiosmtplib",
    "h11",
    "httpx2",
    "icalendar",
    "joserfc",
    "psutil",
    "redis",
    "opentelemetry",
    "nats",
    "aio_pika",
)
"""Libraries that a server imports only when needed. Together, they take a third as long to import as the rest."""


def test_a_server_does_not_import_libraries_for_optional_features():
    program = "import sys, appoint.cli.processes, appoint.server.uvicorn_server; print(*sys.modules)"
    imported = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert [name for name in OPTIONAL if name in imported] == []
