"""Check a clinic's chain of sealed audit entries, without I/O."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from .model import BEGINNING, AuditHead, AuditStart, Entry, chained, fault

MIN_RETENTION: Final = timedelta(days=365)
"""How long every installation keeps its entries."""


class Flaw(NamedTuple):
    """A fault in a chain."""

    position: int | None
    """The first affected position; None for the whole chain."""
    text: str


class Walk:
    """Checks a clinic's chain from its start, entry by entry."""

    def __init__(self, *, public_key: str, exported: Iterable[AuditHead] = ()) -> None:
        self.position = 0
        self.hash = BEGINNING
        self._public_key: Final = public_key
        self._exported: Final = sorted(exported, key=lambda head: head.position)
        self._exported_at: Final[dict[int, list[AuditHead]]] = {}
        for head in self._exported:
            self._exported_at.setdefault(head.position, []).append(head)

    def begin(self) -> Iterator[Flaw]:
        for head in self._exported:
            if text := fault(head, public_key=self._public_key):
                yield Flaw(head.position, f"the exported head {text}")
        yield from self._compared()

    def skip(self, start: AuditStart | None, *, now: datetime) -> Iterator[Flaw]:
        """Continue after the entries that have been deleted because of their age, unless the walk has already passed
        them.
        """
        if start is None or start.position <= self.position:
            return
        if text := fault(start, public_key=self._public_key):
            yield Flaw(start.position, f"the start {text}")
            return
        if start.before > now - MIN_RETENTION:
            yield Flaw(start.position, f"entries were deleted that were less than {MIN_RETENTION.days} days old")
        for head in self._exported:
            if head.position < start.position and head.sealed_at > start.before:
                yield Flaw(
                    head.position + 1,
                    f"entries were deleted too early: they were sealed after {head.sealed_at:%Y-%m-%d %H:%M:%S}Z, when "
                    "a head was exported",
                )
        self.position, self.hash = start.position, bytes.fromhex(start.hash)
        yield from self._compared()

    def follow(self, entry: Entry, hash: bytes) -> Iterator[Flaw]:
        """Check the next entry against its stored hash."""
        if entry.position > self.position + 1:
            gap = (
                f"entry {self.position + 1} is"
                if entry.position == self.position + 2
                else f"entries {self.position + 1} to {entry.position - 1} are"
            )
            yield Flaw(self.position + 1, f"{gap} missing")
        elif entry.position <= self.position:
            yield Flaw(entry.position, "there is more than one entry at this position")
        elif chained(self.hash, entry) != hash:
            yield Flaw(entry.position, "the entry differs from the one that was sealed here")
        self.position, self.hash = entry.position, hash
        yield from self._compared()

    def _compared(self) -> Iterator[Flaw]:
        for head in self._exported_at.get(self.position, ()):
            if head.hash != self.hash.hex():
                yield Flaw(
                    self.position,
                    f"the chain was rewritten after its head was exported ({head.sealed_at:%Y-%m-%d %H:%M:%S}Z)",
                )

    def end(self, head: AuditHead | None) -> Iterator[Flaw]:
        """Compare the head with the last entry."""
        if head is None:
            if self.position or self._exported:
                yield Flaw(None, "the head is missing")
        elif text := fault(head, public_key=self._public_key):
            yield Flaw(None, f"the head {text}")
        if head and head.position > self.position:
            yield Flaw(self.position + 1, f"the end is cut off: the head is at {head.position}")
        elif head and head.position < self.position:
            yield Flaw(head.position + 1, f"entries up to {self.position} were added after the head")
        elif head and head.hash != self.hash.hex():
            yield Flaw(head.position, "the head's hash does not match the last entry's")
        for exported in self._exported:
            if exported.position > self.position:
                yield Flaw(
                    self.position + 1,
                    f"the chain was cut back: an exported head ({exported.sealed_at:%Y-%m-%d %H:%M:%S}Z) "
                    f"was at {exported.position}",
                )


class ClinicReport(msgspec.Struct, rename="camel"):
    """The result of checking a clinic's audit trail."""

    clinic_id: int
    entries: int
    """The number of sealed entries."""
    deleted: int
    """The number of sealed entries that have been deleted because of their age."""
    faults: list[Flaw]
    """The first hundred faults."""
    unsealed: int
    """The number of entries not sealed yet."""
    oldest_seconds: float
    """The age of the oldest unsealed entry; 0 if there are none."""
