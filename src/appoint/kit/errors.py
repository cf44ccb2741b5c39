"""What can go wrong, in the words of the trade. Each is raised where it is known; `web/problems.py` alone decides what
it looks like on the wire."""

from typing import Any, Final


class AppointError(Exception):
    """A refusal with a name (`type`, as in `/problems/<type>`) and facts that the answer shows beside it."""

    def __init__(self, type: str, /, **facts: Any) -> None:
        super().__init__(type)
        self.type: Final = type
        self.facts: Final = facts


class NotFound(AppointError):
    """Not there, or another clinic's, which is the same to who asks."""

    def __init__(self) -> None:
        super().__init__("not-found")


class Conflict(AppointError):
    """The state of the world says no; `type` is the reason."""


class Unauthorized(AppointError):
    """Nobody has signed in; or somebody tried to, and `type` says why they have not."""

    def __init__(self, type: str = "unauthorized") -> None:
        super().__init__(type)


class Forbidden(AppointError):
    def __init__(self) -> None:
        super().__init__("forbidden")


class VersionMismatch(AppointError):
    """`If-Match` names another version than the one that is there."""

    def __init__(self) -> None:
        super().__init__("version-mismatch")


class VersionRequired(AppointError):
    """The clinic insists on `If-Match`."""

    def __init__(self) -> None:
        super().__init__("version-required")


class KeyReused(AppointError):
    """An `Idempotency-Key` came again with another request."""

    def __init__(self) -> None:
        super().__init__("idempotency-key-reused")


class Unavailable(AppointError):
    """Something Appoint needs is away for the moment; the same request may succeed later."""

    def __init__(self, *, retry_after_seconds: int = 2) -> None:
        super().__init__("unavailable")
        self.retry_after_seconds: Final = retry_after_seconds


class TooMany(AppointError):
    """More than a limit allows; the same request may succeed when its window is over."""

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__("too-many-requests")
        self.retry_after_seconds: Final = retry_after_seconds


class Fault:
    """One thing wrong with a request: where (`#/name` in the body, `?limit` in the query), and what, as a message of
    the catalogue with its values."""

    __slots__ = ("pointer", "text", "values")

    def __init__(self, pointer: str, text: str, /, **values: Any) -> None:
        self.pointer = pointer
        self.text = text
        self.values = values


class Invalid(AppointError):
    """The request itself is wrong; all its faults at once."""

    def __init__(self, *faults: Fault, type: str = "invalid-request") -> None:
        super().__init__(type)
        self.faults: Final = faults


class StartupError(Exception):
    """A process cannot start. The message says why, and what to do."""
