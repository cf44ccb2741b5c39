"""Three PostgreSQL nodes with automatic failover on this machine, for `make cluster` and tests.

If root starts them, they run under the embedded server's account, because PostgreSQL refuses to run as root.
"""

import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

import psutil

from appoint.database import provisioning, zone_files

SCOPE: Final = "appoint"
NODES: Final = ("node1", "node2", "node3")
LIBRARIES: Final = Path(__file__).parent.parent / ".venv" / "cluster"
"""Patroni, where `make setup` installs it."""
START_SECONDS: Final = 90
STOP_SECONDS: Final = 20
TIMES: Final = {"ttl": 20, "loop_wait": 1, "retry_timeout": 4}
"""Patroni's times in seconds. If the primary has not renewed its lease for `ttl`, a standby takes over."""


class Failed(Exception):
    """The cluster cannot run. The message says why."""


class HighlyAvailable:
    """Three nodes and etcd, in one folder.

    It needs eight ports: three for PostgreSQL, three for Patroni's own API, and two for etcd. `ports_to_etcd` are those
    at which the nodes reach etcd, if there is a proxy in front of it for each of them.
    """

    def __init__(self, folder: Path, ports: Sequence[int], ports_to_etcd: Mapping[str, int] | None = None) -> None:
        self.folder: Final = folder
        self.ports: Final = dict(zip(NODES, ports[:3], strict=True))
        self.api_ports: Final = dict(zip(NODES, ports[3:6], strict=True))
        self.etcd_ports: Final = ports[6:]
        self.ports_to_etcd: Final = ports_to_etcd or dict.fromkeys(NODES, self.etcd_ports[0])
        self.account: Final = provisioning.account_for_new_data()
        self.processes: Final[dict[str, subprocess.Popen[bytes]]] = {}

    @property
    def password(self) -> str:
        return (self.folder / "password").read_text().strip()

    @property
    def url(self) -> str:
        """The tables' owner's URL, which names all nodes and finds the primary among them."""
        return self.url_through(self.ports)

    def url_through(self, ports: Mapping[str, int]) -> str:
        """Return the same URL with other ports, for proxies in front of the nodes."""
        hosts = ",".join(f"127.0.0.1:{ports[name]}" for name in NODES)
        return f"postgresql://appoint:{self.password}@{hosts}/appoint?target_session_attrs=read-write"

    def url_of(self, name: str) -> str:
        """Return the URL of one node, whatever its role."""
        return f"postgresql://appoint:{self.password}@127.0.0.1:{self.ports[name]}/appoint"

    def start(self) -> None:
        """Start etcd and all nodes, and wait until there is a primary with a synchronous standby."""
        self._prepare()
        self.start_etcd()
        for name in NODES:
            self.start_node(name)
        self.wait(lambda: "sync_standby" in self.roles().values(), START_SECONDS)

    def start_etcd(self) -> None:
        client, peer = (f"http://127.0.0.1:{port}" for port in self.etcd_ports)
        self._start(
            "etcd",
            *(find_etcd() or "etcd", "--name=etcd", f"--data-dir={self.folder / 'etcd'}"),
            *(f"--listen-client-urls={client}", f"--advertise-client-urls={client}"),
            *(f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=etcd={peer}"),
        )

    def start_node(self, name: str) -> None:
        file = self.folder / f"{name}.json"  # JSON is YAML
        file.write_text(json.dumps(self._configuration(name), indent=1))
        self._own(file)
        self._start(name, self.python, "-m", "patroni", file)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Kill a node's Patroni and PostgreSQL at once, as when a machine loses its power.

        With `SIGQUIT`, PostgreSQL ends just as abruptly, but removes its shared memory.
        """
        process = self.processes.pop(name)
        process.kill()
        process.wait()
        if postmaster := self.postmaster(name):
            with suppress(ProcessLookupError):
                os.kill(postmaster, number)

    def postmaster(self, name: str) -> int | None:
        """Return the process ID of a node's PostgreSQL, if it is running."""
        with suppress(OSError, ValueError, IndexError, psutil.NoSuchProcess):
            process = psutil.Process(int((self.folder / name / "postmaster.pid").read_text().split()[0]))
            if process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE:
                return process.pid
        return None

    def switch_over(self) -> None:
        """Ask Patroni to make the synchronous standby the primary."""
        names = {role: name for name, role in self.roles().items()}
        body = json.dumps({"leader": names["leader"], "candidate": names["sync_standby"]}).encode()
        request = Request(f"http://127.0.0.1:{self.api_ports[names['leader']]}/switchover", body, method="POST")
        with urlopen(request, timeout=STOP_SECONDS):
            pass

    def roles(self, *, isolated: str | None = None) -> dict[str, str]:
        """Return each node's role (`leader`, `sync_standby` or `replica`), leaving out nodes that are not ready. A node
        that is isolated from etcd does not know them.
        """
        for name, port in self.api_ports.items():
            if name == isolated:
                continue
            with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/cluster", timeout=2) as response:
                members = json.load(response)["members"]
                return {each["name"]: each["role"] for each in members if each["state"] in ("running", "streaming")}
        return {}

    def wait(self, condition: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise Failed(f"{name} has ended; see {self.folder / name}.log")
            if time.monotonic() > deadline:
                raise Failed(f"The cluster was not ready after {seconds} seconds; see the logs in {self.folder}")
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop all nodes, then etcd."""
        for name in NODES:
            if name in self.processes and self.processes[name].poll() is not None:  # PostgreSQL may still be running
                self.kill(name)
        for names in (NODES, ("etcd",)):
            running = [name for name in names if name in self.processes]
            for name in running:
                self.processes[name].terminate()
            for name in running:
                try:
                    self.processes[name].wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    self.kill(name)

    def abandon(self) -> None:
        """End everything at once, when the data is not needed again."""
        for name in [name for name in NODES if name in self.processes]:
            self.kill(name, signal.SIGQUIT)
        deadline = time.monotonic() + STOP_SECONDS
        while any(map(self.postmaster, NODES)) and time.monotonic() < deadline:  # it removes its file last
            time.sleep(0.05)
        self.stop()

    def _prepare(self) -> None:
        if missing := missing_programs():
            raise Failed(missing)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # it contains the password
        self._lock = (self.folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Failed(f"A cluster is already running in {self.folder}. Choose another --folder.") from error
        self._check_ports()
        self._own(self.folder)
        if not self.account.reaches(self.folder):
            raise Failed(f"PostgreSQL's account cannot reach {self.folder}. Choose another --folder, in /var/tmp.")
        self.python = self._usable_python()
        self.binaries = provisioning.installed_programs(self.account, print)
        self.server = zone_files.install(self.binaries, self.folder)
        libraries = self.folder / "libraries"  # the account may not be able to reach the checkout
        shutil.rmtree(libraries, ignore_errors=True)
        shutil.copytree(LIBRARIES, libraries)
        if not (self.folder / "password").exists():
            (self.folder / "password").write_text(secrets.token_hex(16) + "\n")
        script = self.folder / "create_database"
        script.write_text(CREATE_DATABASE.format(password=self.password, programs=self.binaries))
        script.chmod(0o700)
        for path in self.folder.iterdir():
            self._own(path)

    def _check_ports(self) -> None:
        for port in (*self.ports.values(), *self.api_ports.values(), *self.etcd_ports):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError as error:
                    raise Failed(f"Port {port} is in use. Choose another --port.") from error

    def _usable_python(self) -> str:
        """Return a Python that the account can run. Patroni starts PostgreSQL through it."""
        number = f"{sys.version_info.major}.{sys.version_info.minor}"
        for python in (sys.executable, f"/usr/bin/python{number}", f"/usr/local/bin/python{number}"):
            if self.account.run("/bin/sh", "-c", 'exec "$0" -c ""', python).returncode == 0:
                return python
        raise Failed(
            f"PostgreSQL's account cannot run {sys.executable}, and there is no Python {number} in /usr/bin or "
            "/usr/local/bin. Install one there, or run this as an ordinary user."
        )

    def _configuration(self, name: str) -> dict[str, Any]:
        address, api = (f"127.0.0.1:{ports[name]}" for ports in (self.ports, self.api_ports))
        return {
            "scope": SCOPE,
            "name": name,
            "restapi": {"listen": api, "connect_address": api},
            # otherwise, Patroni asks etcd for its addresses, and a proxy is bypassed
            "etcd3": {"host": f"127.0.0.1:{self.ports_to_etcd[name]}", "use_proxies": True},
            "bootstrap": {
                "dcs": {
                    **TIMES,
                    "synchronous_mode": True,
                    "synchronous_mode_strict": True,
                    "postgresql": {"use_pg_rewind": True, "parameters": {"max_connections": 200}},
                },
                "initdb": [
                    {"encoding": "UTF8"},
                    {"locale": "C"},
                    {"lc-ctype": "C.UTF-8"},
                    {"locale-provider": "builtin"},
                    {"builtin-locale": "C.UTF-8"},
                    "data-checksums",
                ],
                "post_bootstrap": str(self.folder / "create_database"),
            },
            "postgresql": {
                "listen": address,
                "connect_address": address,
                "data_dir": str(self.folder / name),
                "bin_dir": str(self.binaries),
                "bin_name": {"postgres": str(self.server)},  # with the time zone rules that Appoint uses
                "basebackup": {"checkpoint": "fast"},
                "pgpass": str(self.folder / f"{name}.pgpass"),
                "authentication": {
                    "superuser": {"username": "postgres", "password": self.password},
                    "replication": {"username": "replicator", "password": self.password},
                },
                "parameters": {"unix_socket_directories": ""},  # their paths could be too long
                "pg_hba": [
                    "host all all 127.0.0.1/32 scram-sha-256",
                    "host replication replicator 127.0.0.1/32 scram-sha-256",
                ],
            },
        }

    def _options(self) -> dict[str, Any]:
        root = os.geteuid() == 0
        return {
            "cwd": self.folder,
            "env": {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "PYTHONPATH": str(self.folder / "libraries")},
            "stdin": subprocess.DEVNULL,
            "start_new_session": True,
            "umask": 0o077,
            **({"user": self.account.uid, "group": self.account.gid, "extra_groups": []} if root else {}),
        }

    def _start(self, name: str, *command: str | Path) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(command, **self._options(), stdout=log, stderr=subprocess.STDOUT)

    def _own(self, path: Path) -> None:
        if os.geteuid() == 0:
            shutil.chown(path, self.account.uid, self.account.gid)


CREATE_DATABASE: Final = """#!/bin/sh
set -e
"{programs}/psql" -v ON_ERROR_STOP=1 -q "$1" <<'END'
create role appoint login createdb createrole password '{password}';
create database appoint owner appoint;
END
"""


def find_etcd() -> str | None:
    return shutil.which("etcd", path=f"{os.environ['PATH']}:/usr/sbin")


def missing_programs() -> str | None:
    """Return a sentence that says what has to be installed, if anything."""
    if not find_etcd():
        return "etcd is not installed. On Debian: sudo apt-get install --no-install-recommends etcd-server"
    return None if LIBRARIES.exists() else "Patroni is not installed. Run: make setup"
