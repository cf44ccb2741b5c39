"""A process that makes and ends rooms, which tests can kill: `python -m support.call_worker DATABASE_URL PORT NOW`.

Its requests to Daily go to a port on this machine.
"""

import asyncio
import sys
from datetime import datetime

import httpx2

from appoint.calls.providers.daily import API, DailyGateway
from appoint.calls.providers.failures import ProviderFailure
from appoint.calls.providers.gateway import Providers
from appoint.calls.providers.transport import Request, Response
from appoint.calls.rooms import jobs
from appoint.database.pool import connect
from support.call_providers import DAILY
from support.calls import SECRET


async def work(url: str, port: int, now: datetime) -> None:
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as http:

        async def send(request: Request) -> Response:
            path = request.url.removeprefix(API)
            try:
                response = await http.request(request.method, path, headers=dict(request.headers), content=request.body)
            except httpx2.HTTPError:
                raise ProviderFailure("unreachable") from None
            return Response(response.status_code, response.content)

        db = connect(url, size=4, wait_seconds=10, statement_seconds=30)
        gateway = DailyGateway(DAILY, send)
        maker = jobs.RoomMaker(db, Providers("", SECRET, None, send), lambda: now, lambda _: gateway)
        await jobs.run(maker, asyncio.Event(), per_second=1000)


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], int(sys.argv[2]), datetime.fromisoformat(sys.argv[3])))
