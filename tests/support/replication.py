"""A PostgreSQL server with a streaming replica."""

import asyncio
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from appoint.database import cluster, migrate
from support.database import as_superuser, execute
from support.processes import eventually_async, own_postgres

RESET = Path(__file__).with_name("reset.sql")


@dataclass
class ReplicatedServer:
    primary: cluster.Cluster
    replica: cluster.Cluster

    @property
    def url(self) -> str:
        return self.primary.url

    @property
    def replica_url(self) -> str:
        return self.replica.url

    async def pause(self) -> None:
        await as_superuser(self.replica_url, "select pg_wal_replay_pause()")

        async def is_paused() -> bool:
            return await fetch_value(self.replica_url, "select pg_get_wal_replay_pause_state()") == "paused"

        await eventually_async(is_paused)

    async def resume(self) -> None:
        await as_superuser(self.replica_url, "select pg_wal_replay_resume()")

    async def is_current(self) -> bool:
        """Return whether the replica has replayed everything that the primary has written."""
        position = await fetch_value(self.url, "select pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        return await fetch_value(self.replica_url, "select pg_last_wal_replay_lsn() - '0/0'::pg_lsn") >= position

    async def wait_for_standby(self, name: str) -> None:
        """Let commits wait for the standby with this name, or for none."""
        change = f"alter system set synchronous_standby_names = '{name}'"
        await as_superuser(self.url, change, "select pg_reload_conf()")

    def signal_replica(self, number: signal.Signals) -> None:
        """Send a signal to all of the replica's processes."""
        postmaster = self.replica.postmaster()
        assert postmaster
        for each in (postmaster, *postmaster.children()):
            each.send_signal(number)

    def kill_replica(self) -> None:
        postmaster = self.replica.postmaster()
        assert postmaster
        postmaster.kill()
        psutil.wait_procs([postmaster])
        cluster.kill_all_at(self.replica.data)


async def fetch_value(url: str, query: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


@contextmanager
def replicated() -> Iterator[ReplicatedServer]:
    """Run a migrated server and its replica."""
    with own_postgres() as primary:
        asyncio.run(migrate.upgrade(primary.url))
        asyncio.run(as_superuser(primary.url, "alter database appoint set synchronous_commit = 'on'"))
        asyncio.run(execute(primary.url, RESET.read_text()))
        allow_replication(primary)
        data = primary.data.with_name("replica")
        data.mkdir(mode=0o700)
        shutil.chown(data, primary.account.uid, primary.account.gid)
        copied = primary.account.run(
            *(primary.binaries / "pg_basebackup", "-h", primary.socket_folder, "-U", "postgres", "-D", data),
            *("--write-recovery-conf", "--checkpoint=fast", "--no-sync"),
        )
        assert copied.returncode == 0, copied.stdout
        replica = replace(primary, data=data, log=data.with_suffix(".log"))
        allow_replication(replica)
        replica.start()
        try:
            yield ReplicatedServer(primary, replica)
        finally:
            replica.stop()


def allow_replication(server: cluster.Cluster) -> None:
    """Let the server's account replicate, which root's servers do not allow by default."""
    rules = server.data / "pg_hba.conf"
    if "local replication" not in rules.read_text():
        with rules.open("a") as file:
            file.write("local replication all peer map=appoint\n")
    if server.postmaster():
        asyncio.run(as_superuser(server.url, "select pg_reload_conf()"))
