"""Two cells on one machine, each with a PostgreSQL server of its own that the other one can reach."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from appoint.clinics.cells import repository as cells
from appoint.clinics.cells.model import Cell
from appoint.clinics.moves import service
from appoint.database import cluster, migrate, provisioning
from appoint.database.moves import flip
from appoint.database.moves.model import Ends, Moved
from appoint.database.pool import ACROSS, Database, connect
from appoint.kit import clock
from appoint.oversight.invariants import service as invariants
from appoint.server import app as application
from support.app import ADMIN, TOKEN, client_of, settings
from support.database import as_superuser, execute
from support.processes import free_port

CLINIC = 1
PASSWORD = "moves clinics"
RESET = Path(__file__).with_name("reset.sql")
GRANTS = (
    f"alter role appoint replication password '{PASSWORD}'",
    "grant pg_create_subscription to appoint",
    "grant set on parameter session_replication_role to appoint",
)

LEFTOVERS = """
select (select count(*) from pg_subscription where subname = 'appoint_move_1')
     + (select count(*) from pg_publication) + (select count(*) from pg_replication_slots)
     + (select count(*) from clinic_move)
"""
HOMES = "select count(*) from clinic where id = 1"


@dataclass
class CellServer:
    cell: Cell
    cluster: cluster.Cluster
    port: int

    @property
    def url(self) -> str:
        """The URL for the tables' owner."""
        return f"postgresql://appoint:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{self.port}/appoint"

    def ends(self, target: "CellServer") -> Ends:
        return Ends(self.url, target.url, self.url)


@contextmanager
def cell_pair() -> Iterator[tuple[CellServer, CellServer]]:
    """Run two migrated servers, for the cells 0 and 1. `reset` makes them know each other."""
    folder = Path(tempfile.mkdtemp(prefix="appoint-test-"))
    folder.chmod(0o711)
    started: list[cluster.Cluster] = []
    try:
        first = _create(folder / "first")
        first.start()
        started.append(first)
        asyncio.run(as_superuser(first.url, *GRANTS))
        asyncio.run(migrate.upgrade(first.url))
        asyncio.run(execute(first.url, RESET.read_text()))
        first.stop()
        second = _copy(first, folder / "second")
        started.append(second)
        servers = list[CellServer]()
        for number, each in enumerate((first, second)):
            port = _accept_network(each)
            servers.append(CellServer(Cell(number, f"cell-{number}", f"http://cell-{number}.example"), each, port))
        yield servers[0], servers[1]
    finally:
        for each in started:
            each.stop()
        shutil.rmtree(folder)


async def reset(server: CellServer, known: Sequence[Cell]) -> None:
    """Delete all rows, and add the cells."""
    db = connect(server.url, size=1, wait_seconds=10, statement_seconds=20)
    try:
        await db.execute("alter sequence clinic_id_seq minvalue 1 maxvalue 2147483647 start 1 restart 1")
        await db.execute("select testing.reset()")
        for cell in known:
            await db.atomic(cells.add_cell, cell)
        await cells.reserve_numbers(db, server.cell.number)
    finally:
        await db.close()


def _create(data_dir: Path) -> cluster.Cluster:
    data_dir.mkdir(mode=0o711)
    postgres, _ = provisioning.prepare(data_dir, lambda _: None, durable=False)
    return replace(
        postgres,
        settings={
            **postgres.settings,
            "wal_level": "logical",
            "shared_buffers": "32MB",
            "max_connections": "60",
            "max_sync_workers_per_subscription": "4",
            "max_logical_replication_workers": "6",
        },
    )


def _copy(original: cluster.Cluster, data_dir: Path) -> cluster.Cluster:
    """Copy a stopped server's data, which takes less time than creating and migrating it again."""
    data_dir.mkdir(mode=0o711)
    shutil.copytree(original.data, data_dir / "postgres", symlinks=True)
    for path in (data_dir / "postgres", *(data_dir / "postgres").rglob("*")):
        shutil.chown(path, original.account.uid, original.account.gid)
    return replace(original, data=data_dir / "postgres", log=data_dir / "postgres.log")


def _accept_network(server: cluster.Cluster) -> int:
    """Start the server so that it also accepts connections with a password from this machine. Return its port."""
    port = free_port()
    network = {"listen_addresses": "127.0.0.1", "port": str(port)}
    replace(server, settings={**server.settings, **network}).start()
    with (server.data / "pg_hba.conf").open("a") as rules:
        rules.write("host all all 127.0.0.1/32 scram-sha-256\n")
    reload = server.account.run(server.binaries / "pg_ctl", "reload", "-D", server.data)
    assert reload.returncode == 0, reload.stdout
    return port


class Cells:
    """Two cells, each with a pool. Clinic 1 is created in the first."""

    def __init__(self, servers: tuple[CellServer, CellServer]) -> None:
        self.servers = servers
        self.dbs: list[Database] = [
            connect(each.url, size=6, wait_seconds=10, statement_seconds=20, role=ACROSS) for each in servers
        ]

    @property
    def ends(self) -> Ends:
        return self.servers[0].ends(self.servers[1])

    async def move(self, *, back: bool = False) -> Moved:
        source, target = reversed(self.servers) if back else self.servers
        return await service.move(
            source.ends(target), CLINIC, target.cell.name, now=clock.now(), progress=lambda *_: None
        )

    async def homes(self) -> list[int]:
        """Return how many rows each cell has for the clinic in `clinic`."""
        return [await db.fetchval(HOMES) for db in self.dbs]

    @asynccontextmanager
    async def clients(self) -> AsyncIterator[list[httpx2.AsyncClient]]:
        """Serve both cells, without routing between them."""
        async with AsyncExitStack() as stack:
            apps = [
                application.create(settings(), database_url=each.url, admin_token=TOKEN, connect=connect)
                for each in self.servers
            ]
            yield [await stack.enter_async_context(client_of(app, headers=ADMIN)) for app in apps]


async def fetch(server: CellServer, query: str, *args: Any) -> Any:
    connection = await asyncpg.connect(server.url)
    try:
        return await connection.fetchval(query, *args)
    finally:
        await connection.close()


async def add_clinic(cells: Cells) -> None:
    await cells.dbs[0].execute("insert into clinic (id, name, time_zone) values (1, 'Lakeside', 'Europe/Berlin')")
    await add_event(cells.dbs[0])


async def add_event(db: Database) -> None:
    await db.execute(
        """
        insert into event (clinic_id, type, subject_id, subject_version, data)
        values (1, 'appointment.changed', 'x', (select count(*) from event), '{}')
        """
    )


class Killed(Exception):
    pass


async def be_killed(*_: object, **__: object) -> None:
    raise Killed


async def copy_only(cells: Cells, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin a move that is killed when the copy is complete."""
    with monkeypatch.context() as patch:
        patch.setattr(flip, "flip", be_killed)
        with pytest.raises(Killed):
            await cells.move()


async def violations(db: Database) -> list[str]:
    return [
        violation.invariant
        async for report in invariants.check(db, clinic_ids=[CLINIC])
        for violation in report.violations
    ]
