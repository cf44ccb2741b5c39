"""An S3 server from moto.

Its 60 packages are too many for everyone who runs the tests, so tests that need it run where the command `moto_server`
exists (`uv tool install "moto[server]"`).
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx2
import pytest

from support.processes import free_port

MOTO = shutil.which("moto_server")
needs_moto = pytest.mark.skipif(MOTO is None, reason="needs moto_server")


@contextmanager
def s3_with(bucket: str) -> Iterator[str]:
    """Run a server with an empty bucket, and yield its URL."""
    assert MOTO
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen([MOTO, "-H", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL) as server:
        try:
            transport = httpx2.HTTPTransport(retries=10)
            with httpx2.Client(transport=transport, timeout=30) as http:
                while True:
                    with suppress(httpx2.ConnectError):
                        assert http.put(f"{url}/{bucket}").status_code == 200
                        break
            yield url
        finally:
            server.terminate()


def use(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """Let this process use the server."""
    for name, value in {
        "AWS_ENDPOINT": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "key",
    }.items():
        monkeypatch.setenv(name, value)
