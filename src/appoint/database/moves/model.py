"""What a move needs to know, and why it can fail."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from ...kit.errors import StartupError

MAX_STOP_SECONDS: Final = 5.0
"""How long changes to a clinic may have to wait. PostgreSQL itself ends the transaction that makes it do so."""

SaveHome = Callable[[Any, int, str | None], Awaitable[None]]
"""Called with a connection, the number of the clinic's moves, and its short name, to record its new home."""
Progress = Callable[[str, int, int], None]
"""Called with the step's name, how much of it is done, and how much there is."""


class MoveFailed(StartupError):
    """The clinic has not moved, or not completely. The message says why and what to do about it."""


@dataclass(frozen=True)
class Ends:
    """The databases of both cells, as their owners."""

    source_url: str
    target_url: str
    publisher_url: str
    """The source as the target's PostgreSQL reaches it, with a login that may replicate."""


class Move(NamedTuple):
    clinic_id: int
    source: Any
    """A connection to the source's database, like `target`."""
    target: Any
    cell: str
    """The name of the target's cell."""
    cell_number: int
    ends: Ends

    @property
    def name(self) -> str:
        """The name of the publication, the subscription and the replication slot."""
        return f"appoint_move_{self.clinic_id}"


class Summary(NamedTuple):
    rows: int
    tables: int
    people: int


class Moved(NamedTuple):
    stop_seconds: float | None
    """How long changes had to wait, or None if an earlier run of the command moved it."""
    rows: int
