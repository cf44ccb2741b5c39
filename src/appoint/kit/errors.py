"""Domain errors. Features raise them; only `http/problems` maps them to responses."""

from typing import Any, Final


class AppointError(Exception):
    """A named refusal (`type`, as in `/problems/<type>`) with facts that the response includes."""

    def __init__(self, type: str, /, **facts: Any) -> None:
        super().__init__(type)
        self.type: Final = type
        self.facts: Final = facts


class NotFound(AppointError):
    """The resource does not exist or belongs to another clinic. The caller cannot tell the difference."""

    def __init__(self) -> None:
        super().__init__("not-found")


class Conflict(AppointError):
    """The current state does not allow the request; `type` is the reason."""


class Unauthorized(AppointError):
    """The caller is not signed in. After a failed sign-in, `type` is the reason."""

    def __init__(self, type: str = "unauthorized") -> None:
        super().__init__(type)


class Forbidden(AppointError):
    """The caller may not do this. `type` gives the reason if the caller can do something about it."""

    def __init__(self, type: str = "forbidden") -> None:
        super().__init__(type)


class VersionMismatch(AppointError):
    """`If-Match` does not name the current version."""

    def __init__(self) -> None:
        super().__init__("version-mismatch")


class VersionRequired(AppointError):
    """The clinic requires `If-Match`."""

    def __init__(self) -> None:
        super().__init__("version-required")


class KeyReused(AppointError):
    """An `Idempotency-Key` was reused for a different request."""

    def __init__(self) -> None:
        super().__init__("idempotency-key-reused")


class Unavailable(AppointError):
    """One of Appoint's dependencies is temporarily unavailable; the same request may succeed later."""

    def __init__(self, *, retry_after_seconds: int = 2) -> None:
        super().__init__("unavailable")
        self.retry_after_seconds: Final = retry_after_seconds


class TooMany(AppointError):
    """A rate limit is exceeded; the same request may succeed once the limit's window has passed."""

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__("too-many-requests")
        self.retry_after_seconds: Final = retry_after_seconds


class InQueue(AppointError):
    """Visitors to the clinic's booking pages are waiting in a queue, and it is not the caller's turn yet."""

    def __init__(self, *, retry_after_seconds: int, **facts: Any) -> None:
        super().__init__("in-queue", **facts)
        self.retry_after_seconds: Final = retry_after_seconds


class Fault:
    """One fault in a request.

    `pointer` locates it (`#/name` in the body, `?limit` in the query); `text` describes it with a message from the
    translation catalogues, filled in with `values`.
    """

    __slots__ = ("pointer", "text", "values")

    def __init__(self, pointer: str, text: str, /, **values: Any) -> None:
        self.pointer = pointer
        self.text = text
        self.values = values

    def within(self, member: str) -> "Fault":
        """Return the fault with a pointer that starts at the value containing the member."""
        return Fault(self.pointer.replace("#", f"#/{member}", 1), self.text, **self.values)


class Invalid(AppointError):
    """The request is invalid. Lists all its faults at once."""

    def __init__(self, *faults: Fault, type: str = "invalid-request") -> None:
        super().__init__(type)
        self.faults: Final = faults


class StartupError(Exception):
    """A process cannot start. The message says why and what to do about it."""
