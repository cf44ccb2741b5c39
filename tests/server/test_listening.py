"""New connections are accepted while the process is busy with requests on others."""

import asyncio
import socket

import uvloop

from appoint.server import uvicorn_server


def test_a_round_of_the_event_loop_accepts_several_connections():
    listener = uvicorn_server.listen("127.0.0.1", 0)
    listener.listen(64)
    clients = [socket.create_connection(listener.getsockname()) for _ in range(40)]
    accepted = []

    class Connection(asyncio.Protocol):
        def connection_made(self, transport):
            accepted.append(transport)

    async def count_rounds():
        loop = asyncio.get_running_loop()
        servers = [await loop.create_server(Connection, sock=each) for each in uvicorn_server.handles(listener)]
        rounds = 0
        while len(accepted) < len(clients):
            await asyncio.sleep(0)
            rounds += 1
        for each in (*accepted, *servers):
            each.close()
        return rounds

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rounds = runner.run(count_rounds())
    for client in clients:
        client.close()
    assert rounds < len(clients) / 4
