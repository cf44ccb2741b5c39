"""Serve waiting visitors a few at a time, so that other requests do not wait behind all of theirs."""

import asyncio
from collections import deque
from typing import Final

PER_ROUND: Final = 16
"""How many waiting visitors are served in one round of the event loop."""
MAX_WAITING: Final = 5000
"""If more visitors than this are already waiting for their page, the next ones are served at once. Otherwise they would
reach the time limit for requests."""


class Turnstile:
    """A round of the event loop serves all requests that have arrived since the last one. If thousands of them are for
    the queue's page, the few bookings among them would take a part of a second in each of their rounds.
    """

    def __init__(self) -> None:
        self._visitors = 0
        self._waiting: Final[deque[asyncio.Future[None]]] = deque()

    async def enter(self) -> None:
        """Return in this round of the event loop if few visitors have been served in it, or else in a later one."""
        if self._visitors < PER_ROUND and not self._waiting:
            if not self._visitors:
                asyncio.get_running_loop().call_soon(self._start_round)
            self._visitors += 1
        elif len(self._waiting) < MAX_WAITING:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn

    def _start_round(self) -> None:
        self._visitors = 0
        while self._waiting and self._visitors < PER_ROUND:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self._visitors += 1
        if self._visitors:
            asyncio.get_running_loop().call_soon(self._start_round)
