"""Bookings while the primary changes: nothing acknowledged is lost, and nothing is booked twice.

Three nodes under Patroni, with a synchronous standby. The server reaches them, and they reach etcd, through proxies
that cut the network.
"""

import asyncio
import os
import signal
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from scripts import cluster_nodes
from scripts.cluster_nodes import NODES, HighlyAvailable

from appoint.database import migrate
from appoint.database.pool import ACROSS, connect
from appoint.oversight.backups import base, jobs, service
from appoint.oversight.backups.service import BackupSource
from appoint.server import app as application
from support.app import ADMIN, TOKEN, client_of, settings
from support.backups import KEY, archive_in, restore
from support.database import execute
from support.embedded_servers import fetch, folder
from support.failover import (
    WITHOUT_TLS,
    WRITE_SECONDS,
    Booker,
    booked_again,
    is_whole,
    leader_of,
    one_primary_at_a_time,
    proxies_to,
    refuses_writes,
    takes_over,
)
from support.processes import eventually_async, free_port
from support.proxies import Proxy
from support.races import DAY, VIOLATIONS, add_customers
from support.scale import scaled
from support.world import create_clinic, create_doctor, publish_slot

pytestmark = pytest.mark.xdist_group("failover")

ROUNDS = int(os.environ.get("APPOINT_TESTS_FAILOVERS") or scaled(30, 1))
"""How often the primary is switched over, killed, and isolated from etcd. One of each takes about 70 seconds."""
BOOKERS = 4
DAYS = min(300, 45 * ROUNDS)


@pytest.fixture(scope="module")
def ports() -> list[int]:
    return [free_port() for _ in range(8)]


@pytest.fixture(scope="module")
async def links_to_etcd(ports) -> AsyncIterator[dict[str, Proxy]]:
    """The proxies through which the nodes reach etcd."""
    async with proxies_to(dict.fromkeys(NODES, ports[6])) as proxies:
        yield proxies


@pytest.fixture(scope="module")
async def nodes(ports, links_to_etcd) -> AsyncIterator[HighlyAvailable]:
    if reason := cluster_nodes.missing_programs():
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="appoint-test-") as folder:
        Path(folder).chmod(0o711)
        ports_to_etcd = {name: proxy.port for name, proxy in links_to_etcd.items()}
        nodes = HighlyAvailable(Path(folder) / "cluster", ports, ports_to_etcd)
        try:
            await asyncio.to_thread(nodes.start)
            await migrate.upgrade(nodes.url)
            await execute(nodes.url, "create table written (id uuid primary key)")
            yield nodes
        finally:
            await asyncio.to_thread(nodes.abandon)


@pytest.fixture
async def links(nodes: HighlyAvailable) -> AsyncIterator[dict[str, Proxy]]:
    """The proxies through which the server reaches the nodes."""
    async with proxies_to(nodes.ports) as proxies:
        yield proxies


@pytest.mark.timeout(300 + 240 * ROUNDS)
async def test_no_acknowledged_booking_is_lost_when_the_primary_changes(nodes, links, links_to_etcd, record_property):
    url = nodes.url_through({name: proxy.port for name, proxy in links.items()}) + f"&{WITHOUT_TLS}"
    app = application.create(settings(), database_url=url, admin_token=TOKEN, connect=connect)
    db = connect(url, size=2, wait_seconds=10, statement_seconds=20, role=ACROSS)
    waits: dict[str, list[float]] = defaultdict(list)
    async with client_of(app, headers=ADMIN) as client:
        await create_clinic(client)
        bookers: list[Booker] = []
        for customer_id in await add_customers(db, BOOKERS):
            doctor_id = await create_doctor(client)
            for day in range(DAYS):
                start = DAY + timedelta(days=day)
                await publish_slot(db, doctor_id, start, start + timedelta(hours=8))
            bookers.append(Booker(client, doctor_id, customer_id, days=DAYS))
        stop = asyncio.Event()
        running = [asyncio.create_task(booker.run(stop)) for booker in bookers]
        for change in ("switchover", "kill", "isolation") * ROUNDS:
            old = leader_of(nodes)
            assert old
            for booker in bookers:
                booker.longest_wait = 0
            async with one_primary_at_a_time(nodes, old):
                if change == "switchover":
                    await asyncio.to_thread(nodes.switch_over)
                elif change == "kill":
                    links[old].cut()
                    await asyncio.to_thread(nodes.kill, old)
                else:
                    links_to_etcd[old].cut()
                await takes_over(nodes, old)
                await booked_again(bookers)
            waits[change].append(max(booker.longest_wait for booker in bookers))
            if change == "isolation":
                assert await refuses_writes(nodes, old)
            elif change == "kill":
                nodes.start_node(old)
            links[old].join()
            links_to_etcd[old].join()
            await is_whole(nodes)
            assert await refuses_writes(nodes, old)
        stop.set()
        await asyncio.gather(*running)
        acknowledged = [id for booker in bookers for id in booker.acknowledged]
        stored = await db.fetch("select id::text, status from appointment")
        assert len(set(acknowledged)) == len(acknowledged)
        assert {row.id for row in stored} == set(acknowledged)
        assert await db.fetchval(VIOLATIONS) == 0
    await db.close()
    print(f"{len(acknowledged)} bookings acknowledged and stored")
    for change, seconds in waits.items():
        record_property(f"longest waits in each {change}, in seconds", [round(each, 1) for each in seconds])
        print(f"longest wait in each {change}, in seconds:", *(f"{each:.1f}" for each in sorted(seconds)))


async def test_a_primary_whose_patroni_hangs_acknowledges_nothing_after_another_has_taken_over(nodes):
    """PostgreSQL still accepts writes, because nothing demotes it. But their commits wait for a standby, in vain."""
    old = leader_of(nodes)
    assert old
    async with one_primary_at_a_time(nodes, old):
        nodes.processes[old].send_signal(signal.SIGSTOP)
        try:
            await takes_over(nodes, old)
            await asyncio.sleep(2 * WRITE_SECONDS)
        finally:
            nodes.processes[old].send_signal(signal.SIGCONT)
    await is_whole(nodes)
    assert await refuses_writes(nodes, old)


async def test_backups_follow_the_primary(nodes):
    """The new primary has no replication slot, so a new base backup begins a new stream of WAL."""
    origin = BackupSource(nodes.url.replace("//appoint:", "//replicator:"), nodes.url, "appoint", is_embedded=False)
    db = connect(nodes.url, size=2, wait_seconds=10, statement_seconds=20, role=ACROSS)
    stop = asyncio.Event()
    with folder() as place:
        (place / "store").mkdir()
        archive = archive_in(place / "store")
        options = settings(backup_url=str(place / "store"), backup_keys=KEY, backup_seconds=1)
        storing = asyncio.create_task(jobs.store_wal(db, options, origin, stop))
        await jobs.back_up(db, options, origin)
        await eventually_async(lambda: db.fetchval("select true from job_run where name = 'store-wal'"))
        old = leader_of(nodes)
        assert old
        await asyncio.to_thread(nodes.switch_over)
        await takes_over(nodes, old)
        await eventually_async(lambda: db.fetchval("select true from backup_gap"))
        await jobs.back_up(db, options, origin)
        await execute(nodes.url, "create table after_failover (id integer)")
        newest = (await service.list_moments(archive)).backups[-1]
        await base.wait_until_stored(origin.url, newest.stream, (await base.read_position(origin.url)).end)
        stop.set()
        await storing
        assert await db.fetchval("select began_at < ended_at from backup_gap")
        tables = []
        await asyncio.to_thread(
            restore,
            archive,
            place / "restored",
            lambda _, recovered: tables.extend(fetch(recovered.url, "select to_regclass('after_failover')::text")),
        )
        assert tables == [("after_failover",)]
    await db.close()
    await is_whole(nodes)
