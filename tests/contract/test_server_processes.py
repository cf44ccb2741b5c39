"""Several server processes share an address and metrics, and shut down without failing a request."""

import asyncio
import os
import re
import signal
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import httpx2
import psutil
import pytest

from support.metrics import metric
from support.processes import Process, appoint, eventually


@pytest.fixture(scope="module")
def pair(database_url, tmp_path_factory) -> Iterator[Process]:
    """Two server processes that share an address. Their temporary files are in pytest's folder, because a parent that
    is killed cannot delete them.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("pair")))
        with appoint("serve", "--workers", "2", database_url=database_url) as process:
            assert process.url
            yield process


@pytest.mark.xdist_group("pair")
def test_several_processes_share_metrics(pair):
    for _ in range(10):
        httpx2.get(pair.url + "/healthz")
    with httpx2.Client(base_url=pair.url) as http:
        assert metric(http, 'appoint_requests_total{operation="healthz",status="200"}') == 10


@pytest.mark.xdist_group("pair")
def test_a_killed_server_process_is_replaced(pair):
    def children() -> set[int]:
        running: set[int] = set()
        for child in psutil.Process(pair.popen.pid).children():
            with suppress(psutil.NoSuchProcess):  # it may end at any time
                if child.status() != psutil.STATUS_ZOMBIE and "spawn_main" in " ".join(child.cmdline()):
                    running.add(child.pid)
        return running

    before = children()
    os.kill(min(before), signal.SIGKILL)
    eventually(lambda: len(children() - before) == 1 and len(children()) == 2)
    assert eventually(lambda: httpx2.get(pair.url + "/healthz").status_code) == 200


@pytest.mark.xdist_group("pair")
def test_no_server_process_outlives_its_parent(pair):
    url = pair.url
    pair.stop(signal.SIGKILL)

    def is_unreachable() -> bool:
        try:
            httpx2.get(url + "/healthz")
        except httpx2.ConnectError:
            return True
        return False

    assert eventually(is_unreachable)


async def call_until_shutdown(url: str, tally: dict[str, int]) -> None:
    """Send requests until the server is gone, opening a new connection whenever the server closes the current one."""
    while True:
        try:
            reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
        except ConnectionRefusedError:
            return
        closing = False
        while not closing and not reader.at_eof():
            try:
                writer.write(b"GET /api/clinics HTTP/1.1\r\nHost: x\r\n\r\n")
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(re.findall(rb"content-length: (\d+)", head)[0]))
            except (OSError, asyncio.IncompleteReadError):
                tally["failed"] += 1
                return
            tally["answered" if head.startswith(b"http/1.1 200") else "failed"] += 1
            closing = b"connection: close" in head
        writer.close()


@pytest.mark.parametrize("workers", [1, 2])
async def test_sigterm_under_load_completes_all_requests(database_url, workers):
    tally = {"answered": 0, "failed": 0}
    with appoint("serve", "--workers", str(workers), database_url=database_url, log_level="warning") as process:
        callers = [asyncio.create_task(call_until_shutdown(process.url, tally)) for _ in range(32)]
        while tally["answered"] < 500:
            await asyncio.sleep(0.01)
        process.popen.send_signal(signal.SIGTERM)
        await asyncio.gather(*callers)
        code = await asyncio.to_thread(process.popen.wait)
    assert (code, tally["failed"]) == (0, 0), process.output
