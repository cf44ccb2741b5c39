"""The queues as one server process sees them. The rows that all processes share are read and advanced every second, so
waiting visitors' pages need no statement.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import Context
from datetime import datetime
from time import monotonic
from typing import Final, Literal, NamedTuple, Self

import structlog

from ...database.pool import Database
from ...kit import clock, errors, tasks
from ...kit.ids import PLATFORM
from ...settings import Settings
from . import repository
from .model import FORM_SECONDS, LOBBY, NO_WAIT_KNOWN, PASS_SECONDS, TICKET_SECONDS, QueueState, Wait
from .pace import Pace
from .shuffle import Shuffle
from .tickets import Ticket

log = structlog.get_logger()

TICK_SECONDS: Final = 1.0
BLOCK_SECONDS: Final = 1.0
"""How long a process uses a block of numbers. The rest is dropped, so that no number is much younger than its place."""
MAX_BLOCK: Final = 5000
MAX_STALE_SECONDS: Final = 30.0
"""After this long without the database, visitors keep waiting, and new ones get no tickets."""
MAX_VISITED: Final = 1000
"""The number of clinics whose visits a process counts in a second."""
CLINIC_SHARE: Final = 0.5
"""A clinic with a larger share of the visits than this counts as the cause of an overload."""
CALM_SECONDS: Final = 60
"""How long a queue has to be short before it ends by itself."""
CALM_WAIT_SECONDS: Final = 5
SPEED_WEIGHT: Final = 0.1
"""The weight of the last second in the speed that estimates are based on."""
Mode = Literal["automatic", "manual", "never"]


class Turn(NamedTuple):
    """Whether it is a visitor's turn, and the ticket or pass that they need from now on if they have a new one."""

    wait: Wait | None
    """None if it is their turn."""
    ticket: Ticket | None


class _Block:
    """Numbers for the next tickets."""

    def __init__(self, first: int, last: int, issued_at: datetime) -> None:
        self.next = first
        self.last: Final = last
        self.issued_at: Final = issued_at
        self.expires: Final = monotonic() + BLOCK_SECONDS


class _Line:
    """One open queue."""

    def __init__(self, state: QueueState, secret: str) -> None:
        self.state = state
        self.secret: Final = secret
        self.block: _Block | None = None
        self.taking: asyncio.Task[bool] | None = None
        """The statement under way that takes more numbers."""
        self.requests = 0
        """How many visitors wait for it."""
        self.issued = 0
        """How many tickets this process has issued in the current second."""
        self.expected = 0
        """How many it issued in the last second."""
        self.speed: float | None = None
        """How many visitors all processes let in per second."""
        self.calm_seconds = 0
        self.updated = monotonic()
        self.shuffle = self._shuffle()

    def _shuffle(self) -> Shuffle:
        return Shuffle(f"{self.secret}\nqueue {self.state.clinic_id} {self.state.opens_at}".encode())

    @property
    def block_size(self) -> int:
        """How many numbers to take: as many as in the last second. If those have not been enough, take a few more,
        because numbers without a visitor take up places. If there have been none, take more each time."""
        more = self.issued // 4 if self.expected else self.issued
        return min(max(self.expected - self.issued, more, self.requests), MAX_BLOCK)

    @property
    def has_number(self) -> bool:
        """Return whether the block's next number is still the right one for a visitor who comes now."""
        block, state = self.block, self.state
        if block is None or block.next > block.last or block.expires <= monotonic():
            return False
        has_opened_since = state.opens_at is not None and block.issued_at < state.opens_at <= clock.now()
        return block.next > max(state.served, state.shuffled_until or 0) and not has_opened_since

    def update(self, state: QueueState) -> None:
        """Adopt the state from the database."""
        now = monotonic()
        if state.served > self.state.served or (self.speed and state.waiting):
            speed = (state.served - self.state.served) / max(now - self.updated, 0.1)
            self.speed = speed if self.speed is None else self.speed + SPEED_WEIGHT * (speed - self.speed)
        is_calm = state.waiting <= CALM_WAIT_SECONDS * (self.speed or 0) and not state.is_lobby(clock.now())
        self.calm_seconds = self.calm_seconds + 1 if is_calm else 0
        self.state, self.updated, self.issued, self.expected = state, now, 0, self.issued
        self.shuffle = self._shuffle()


class Queues:
    """This process's view of all queues. `db` has a connection that nothing else uses, so that a queue moves even if
    requests use up all others."""

    def __init__(self, db: Database, *, secret: str, mode: Mode, most: float) -> None:
        """`most` limits the passes per second."""
        self._db: Final = db
        self.secret: Final = secret
        self.mode: Final = mode
        self.pace: Final = Pace(most)
        self._lines: dict[int, _Line] = {}
        self._by_name: dict[str, _Line] = {}
        self._upcoming: list[QueueState] = []
        self._visits: Counter[str] = Counter()
        self._failing = False

    @classmethod
    def of(cls, settings: Settings, secret: str, db: Database) -> Self:
        return cls(db, secret=secret, mode=settings.queue, most=settings.queue_admissions)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Read and advance the queues every second while the block runs."""
        if self.mode == "never":
            yield
            return
        task = asyncio.create_task(self._run(), name="queues")
        try:
            yield
        finally:
            await tasks.cancel(task)

    async def _run(self) -> None:
        last = monotonic()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = monotonic()
            lag = now - last - TICK_SECONDS
            try:
                async with asyncio.timeout(5 * TICK_SECONDS):
                    await self.advance(now - last, lag=lag)
                self._failing = False
            except Exception as error:  # noqa: BLE001  the queues have to move on
                if not self._failing:
                    log.warning("queues not advanced", error=type(error).__name__)
                self._failing = True
            last = now

    async def advance(self, seconds: float = TICK_SECONDS, *, lag: float = 0.0) -> None:
        """Let the next visitors in, and open and close queues that do so by themselves."""
        has_waiting = any(line.state.waiting for line in self._lines.values())
        number = self.pace.advance(seconds, lag=lag, has_waiting=has_waiting)
        await self.refresh(self._share(number))
        now = clock.now()
        for state in self._upcoming:
            if state.opens_at and state.opens_at - LOBBY <= now < state.opens_at and not state.is_lobby(now):
                await repository.start_lobby(self._db, state.clinic_id, before=LOBBY)
        if self.mode == "automatic":
            await self._open_if_overloaded()
        self._visits.clear()
        for line in list(self._lines.values()):
            if line.calm_seconds >= CALM_SECONDS and line.state.opened_by != "staff" and not self.pace.is_overloaded:
                longest = int(CALM_WAIT_SECONDS * (line.speed or 0))
                await repository.close(self._db, line.state.clinic_id, longest=longest)

    async def refresh(self, numbers: dict[int, int] | None = None) -> None:
        """Read all queues, after letting this many visitors in."""
        states = await repository.advance(self._db, numbers or {})
        lines: dict[int, _Line] = {}
        for state in states:
            if not state.is_open:
                continue
            line = self._lines.get(state.clinic_id)
            if line is None or line.state.opened_at != state.opened_at:
                line = _Line(state, self.secret)
            line.update(state)
            lines[state.clinic_id] = line
        self._lines = lines
        self._by_name = {name: line for line in lines.values() for name in _names(line.state)}
        self._upcoming = [state for state in states if state.opens_at]

    def _share(self, number: int) -> dict[int, int]:
        """Share the number of visitors to let in between the queues, in proportion to their length."""
        lengths = {id: 1 + line.state.waiting + line.issued for id, line in self._lines.items()}
        total = sum(lengths.values())
        return {id: -(-number * each // total) for id, each in lengths.items()}

    async def _open_if_overloaded(self) -> None:
        """If one clinic gets most of the visits, open its queue. Otherwise, open the queue in front of all clinics."""
        if not self.pace.is_overloaded:
            return
        name, visits = max(self._visits.items(), key=lambda item: item[1], default=("", 0))
        is_cause = visits > CLINIC_SHARE * self._visits.total()
        clinic_id = (await repository.find_automatic(self._db, name) if is_cause else None) or PLATFORM
        if clinic_id not in self._lines and await repository.open_queue(self._db, clinic_id, "load"):
            log.warning("queue opened", clinic_id=clinic_id)
            await self.refresh()

    def count_visit(self, name: str) -> None:
        """Count a visit to a clinic, so that an overload can be attributed to it."""
        if name in self._visits or len(self._visits) < MAX_VISITED:
            self._visits[name] += 1

    @property
    def are_closed(self) -> bool:
        return not self._lines

    def find(self, name: str | None) -> QueueState | None:
        """Return the open queue that visitors to the clinic with this slug or id wait in, if any."""
        line = self._by_name.get(name or "") or self._lines.get(PLATFORM)
        return line.state if line else None

    def has_turn(self, state: QueueState, ticket: Ticket | None) -> bool:
        """Return whether it is or was the turn of the visitor with this ticket or pass."""
        line = self._lines.get(state.clinic_id)
        if ticket is None or line is None or ticket.kind == "pass":
            return ticket is not None
        place = line.state.place_of(ticket.number, line.shuffle)
        return place is not None and place <= line.state.served

    async def take_turn(self, state: QueueState, ticket: Ticket | None, *, sends_form: bool, now: datetime) -> Turn:
        """Return whether a visitor with this ticket or pass can continue, or else how long they have to wait. Issue a
        ticket to visitors who have none, or whose ticket or pass has expired."""
        line = self._lines.get(state.clinic_id)
        if line is None:
            return Turn(None, None)
        state = line.state
        if ticket and ticket.kind == "pass" and ticket.age(now) < PASS_SECONDS + (FORM_SECONDS if sends_form else 0):
            return Turn(None, None)
        if ticket and ticket.kind == "ticket" and ticket.age(now) < TICKET_SECONDS:
            place = state.place_of(ticket.number, line.shuffle)
            if place is None or place > state.served:
                return Turn(Wait.of(state, ticket.number, place, line.speed), None)
            if place > state.missed:
                if not self.pace.allows_pass(monotonic()):
                    return Turn(Wait.for_pass(), None)
                return Turn(None, Ticket("pass", ticket.number, now))
        number = await self._next_number(line)
        if number is None:
            return Turn(NO_WAIT_KNOWN, None)
        place = line.state.place_of(number, line.shuffle)
        return Turn(Wait.of(line.state, number, place, line.speed), Ticket("ticket", number, now))

    async def _next_number(self, line: _Line) -> int | None:
        """Return the next ticket's number, or None if the database cannot be reached or the queue has just closed.

        Visitors who find no number all wait for the same statement. If they waited for a lock, it would let in only one
        of them in each round of the event loop.
        """
        while not line.has_number:
            if monotonic() - line.updated > MAX_STALE_SECONDS:
                return None
            line.requests += 1
            try:
                if line.taking is None:  # in a context of its own, because it outlives the request that starts it
                    line.taking = asyncio.create_task(self._take_numbers(line), context=Context())
                if not await asyncio.shield(line.taking):
                    return None
            finally:
                line.requests -= 1
        block = line.block
        assert block, "checked by has_number"
        block.next += 1
        line.issued += 1
        return block.next - 1

    async def _take_numbers(self, line: _Line) -> bool:
        """Take a block of numbers for a queue. Return whether there are any."""
        try:
            await asyncio.sleep(0)  # let everyone who is waiting be counted
            numbers = await repository.issue(self._db, line.state.clinic_id, line.block_size)
        except errors.Unavailable:
            numbers = None
        finally:
            line.taking = None
        if numbers:
            line.block = _Block(*numbers, clock.now())
        return numbers is not None


def _names(state: QueueState) -> list[str]:
    return [str(state.clinic_id), *([state.slug] if state.slug else [])]
