"""Server processes shared by all of a worker's tests."""

from collections.abc import Iterator

import httpx2
import pytest

from support.app import ADMIN
from support.processes import Process, appoint


@pytest.fixture(scope="session")
def server(database_url) -> Iterator[Process]:
    with appoint("serve", database_url=database_url, log_level="debug") as process:
        yield process


@pytest.fixture(scope="session")
def http(server) -> Iterator[httpx2.Client]:
    """A client for the server process, with the administrator's token."""
    with httpx2.Client(base_url=server.url, headers=ADMIN) as client:
        yield client
