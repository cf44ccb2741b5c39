"""Facts about calls, which are the rooms of video visits. They never contain a room's address."""

from uuid import UUID

from .base import Fact


class CallFact(Fact):
    appointment_id: UUID
    sequence: int
    """The appointment's calendar revision that the call belongs to. A rescheduled appointment has a new call."""


class CallMade(CallFact):
    """An appointment's video room is ready."""


class CallFailed(CallFact):
    """An appointment's video room could not be made, and there will be no further attempts unless staff ask for one."""


class CallWaiting(CallFact):
    """The patient is in the waiting room for a video visit."""


class CallOpened(CallFact):
    """The doctor has let the patient in."""


class CallEnded(CallFact):
    """A video room has ended: the visit is over, or it was rescheduled or cancelled."""
