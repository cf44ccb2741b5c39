"""PgBouncer in transaction mode, in front of the tests' PostgreSQL server."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from support.database import name_of
from support.processes import eventually, free_port

SESSIONS = 3
"""The number of connections to PostgreSQL, which all clients share."""


@contextmanager
def pgbouncer(url: str, folder: Path, login: str, password: str) -> Iterator[str]:
    """Run PgBouncer for a database and a login, and yield its URL."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("pgbouncer is not installed; .ci/run installs it")
        pytest.skip("pgbouncer is not installed")
    place = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    port, owner = free_port(), Path(place["host"]).owner()
    (folder / "users.txt").write_text(f'"{login}" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"""
        [databases]
        {name_of(url)} = host={place["host"]} port={place["port"]} user={login} password={password}
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = {port}
        unix_socket_dir =
        auth_type = trust
        auth_file = users.txt
        pool_mode = transaction
        default_pool_size = {SESSIONS}
        max_client_conn = 200
        """
    )
    for path in (folder, *folder.iterdir()):
        shutil.chown(path, owner)
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [program, "pgbouncer.ini"], cwd=folder, user=owner, stdout=output, stderr=subprocess.STDOUT
        )

    def answers() -> bool:
        assert process.poll() is None, (folder / "output").read_text()
        socket.create_connection(("127.0.0.1", port)).close()
        return True

    try:
        eventually(answers)
        yield f"postgresql://{login}@127.0.0.1:{port}/{name_of(url)}"
    finally:
        process.terminate()
        process.wait(10)
