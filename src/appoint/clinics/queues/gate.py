"""Make visitors to booking pages wait, before their requests reach the framework."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple, cast
from uuid import UUID

from litestar.types import HTTPScope, Send

from ...http.access import COOKIE, address_of, identify
from ...http.cookies import FORM_COOKIE
from ...http.languages import language_tag_for
from ...http.request import Request
from ...http.routes import route
from ...http.turns import CHECK, HEADERS
from ...kit import clock, errors, ids
from ...kit.actors import Actor
from ...kit.ids import PLATFORM
from . import tickets
from .line import Queues, Turn
from .model import FORM_SECONDS, NO_WAIT_KNOWN, PASS_SECONDS, TICKET_SECONDS, QueueState, Wait
from .tickets import Ticket
from .turnstile import Turnstile

PAGE: Final = re.compile(r"/(c|embed)/([^/]+)(?:/.*)?")
OWN_HOLD: Final = re.compile(r"/(?:c|embed)/[^/]+/confirm(?:/.*)?")
"""Pages for someone who already holds a time."""
API: Final = re.compile(
    r"/api/(?:clinics/(\d{1,10})/(?:availability|freeslots/[^/]+|nextFreeTimes)"
    r"|(?:doctors|providers)/([0-9a-f-]{36})/availability)"
)
BOOKINGS: Final = frozenset({"/api/appointments", "/api/bookings"})
"""Requests that name the clinic in their body."""
EVERYWHERE: Final = frozenset({"/", "/find", "/suggestions", "/api/clinics/search", "/api/availability/search"})
"""Only the queue in front of all clinics applies to these."""
MEASURED: Final = "is_measured"
"""The key in a request's state that marks requests whose response times show the load from booking."""


class QueuedRequest(NamedTuple):
    """What a request is about, if it may have to wait."""

    clinic: str | None
    """The clinic's slug or id."""
    page: bool = False
    framed: bool = False
    booking: bool = False
    """Whether the body names the clinic."""


class QueuePage(NamedTuple):
    body: bytes
    language: str
    policy: str
    """The content security policy."""


Render = Callable[[str, QueueState, Wait, QueuedRequest], QueuePage]
"""Returns the page for a language tag."""


class _Route(NamedTuple):
    """What the log and the metrics say about requests that the gate answers."""

    operation_id: str
    opt: dict[str, Any]


NO_TICKET_IN_FRAMES: Final = Turn(NO_WAIT_KNOWN, None)
IDENTIFYING: Final = _Route("identify", route(permission="public", unattended=True))
WAITING: Final = _Route("waitInQueue", route(permission="register", page=True))
WAITING_PROGRAM: Final = _Route("waitInQueue", route(permission="register"))
"""With this permission, responses are never cached, and a request to the gate doesn't drop any recent free times."""


class QueueGate:
    """`queues` is set while the application runs."""

    def __init__(self, render: Render) -> None:
        self.queues: Queues | None = None
        self._render: Final = render
        self._turnstile: Final = Turnstile()

    async def __call__(self, scope: HTTPScope, send: Send) -> bool:
        """Respond if the visitor has to wait. Return whether they do. Raise `InQueue` if they are a program."""
        queues = self.queues
        visit = find_visit(scope) if queues else None
        if queues is None or visit is None:
            return False
        scope["state"][MEASURED] = True
        if visit.clinic:
            queues.count_visit(visit.clinic)
        if queues.are_closed:
            return False
        request = Request(scope)
        if visit.booking:
            scope["state"][CHECK] = partial(self._check, queues, request)
            return False
        state = queues.find(visit.clinic)
        if state is None or await _is_exempt(request, state.clinic_id):
            return False
        turn = NO_TICKET_IN_FRAMES if visit.framed else await self._take_turn(queues, request, state)
        if turn.wait is None:
            return False
        if not visit.page or not _is_navigation(request):
            cast("Any", scope)["route_handler"] = WAITING_PROGRAM
            raise _refusal(turn.wait)
        page = self._render(language_tag_for(request, state.time_zone), state, turn.wait, visit)
        cast("Any", scope)["route_handler"] = WAITING
        await send({"type": "http.response.start", "status": 200, "headers": _headers(page, turn.wait, visit)})
        await send({"type": "http.response.body", "body": page.body, "more_body": False})
        return True

    def observe(self, scope: HTTPScope, status: int, seconds: float) -> None:
        """Record how long a request took, unless the gate itself responded."""
        if self.queues and MEASURED in scope["state"] and not isinstance(_handler(scope), _Route):
            self.queues.pace.observe(seconds, failed=status >= 500)

    async def _check(self, queues: Queues, request: Request, clinic_id: int) -> None:
        state = queues.find(str(clinic_id))
        if state is None or _bypasses(request.user, state.clinic_id):
            return
        turn = await self._take_turn(queues, request, state)
        if turn.wait:
            raise _refusal(turn.wait)

    async def _take_turn(self, queues: Queues, request: Request, state: QueueState) -> Turn:
        """Return the visitor's turn, and store their new ticket or pass in a cookie."""
        now, name = clock.now(), tickets.cookie_name(state.clinic_id)
        value = request.cookies.get(name)
        ticket = tickets.decode(queues.secret, state.clinic_id, value) if value else None
        if not queues.has_turn(state, ticket):
            await self._turnstile.enter()
        sends_form = request.method == "POST"
        if ticket is None:
            began = state.opened_at and (now - state.opened_at).total_seconds() < PASS_SECONDS
            if sends_form and began and FORM_COOKIE in request.cookies:
                return Turn(None, None)  # the queue has opened while they were filling in the form
            await request.services.limits.count_ticket(address_of(request))
        turn = await queues.take_turn(state, ticket, sends_form=sends_form, now=now)
        if turn.ticket:
            request.scope["state"][HEADERS] = [(b"set-cookie", _cookie(queues, state.clinic_id, turn.ticket))]
        return turn


def _headers(page: QueuePage, wait: Wait, visit: QueuedRequest) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(page.body)).encode()),
        (b"content-language", page.language.encode()),
        (b"content-security-policy", page.policy.encode()),
        (b"cache-control", b"no-store"),
        (b"x-robots-tag", b"noindex"),
        # in a frame, where there are no cookies, the page only leads to the clinic's own pages
        (b"cross-origin-resource-policy", b"cross-origin")
        if visit.framed
        else (b"refresh", str(wait.refresh_seconds).encode()),
    ]


def find_visit(scope: HTTPScope) -> QueuedRequest | None:
    """Return what the request is about, or None if it never has to wait."""
    path = scope["path"]
    if scope["method"] not in ("GET", "POST"):
        return None
    if match := PAGE.fullmatch(path):
        return None if OWN_HOLD.fullmatch(path) else QueuedRequest(match[2], page=True, framed=match[1] == "embed")
    if path in BOOKINGS:
        return QueuedRequest(None, booking=True) if scope["method"] == "POST" else None
    if path in EVERYWHERE:
        return QueuedRequest(None, page=not path.startswith("/api/"))
    if match := API.fullmatch(path):
        return QueuedRequest(match[1] or _clinic_of(match[2]))
    return None


def _clinic_of(id: str) -> str | None:
    try:
        return str(ids.clinic_of(UUID(id)))
    except ValueError:
        return None


async def _is_exempt(request: Request, clinic_id: int) -> bool:
    """Return whether the caller never waits: the clinic's staff and partner systems, administrators, and holders of a
    manage link. A caller with an invalid credential is left to the guard."""
    has_key, session = "authorization" in request.headers, request.cookies.get(COOKIE)
    if not has_key and not session:
        return False
    fields = cast("Any", request.scope)
    fields["route_handler"] = IDENTIFYING
    try:
        caller = await (identify(request) if has_key else _of_session(request, session or ""))
    except errors.AppointError:
        return has_key
    finally:
        del fields["route_handler"]
    return caller is not None and _bypasses(caller, clinic_id)


async def _of_session(request: Request, token: str) -> Actor | None:
    """Return the session's caller. The guard decides whether they may send the request."""
    find = next((find for prefix, find in request.services.identities.items() if token.startswith(prefix)), None)
    return await find(request, token) if find else None


def _bypasses(caller: Actor, clinic_id: int) -> bool:
    is_member = bool(caller.memberships) if clinic_id == PLATFORM else caller.membership_at(clinic_id) is not None
    return is_member or caller.administrator or caller.appointment_id is not None


def _is_navigation(request: Request) -> bool:
    """Return whether a person will see the response, rather than a script on one of our pages."""
    purpose = request.headers.get("sec-fetch-dest")
    return purpose in ("document", "iframe", "frame") if purpose else True


def _handler(scope: HTTPScope) -> Any:
    return cast("Any", scope).get("route_handler")


def _refusal(wait: Wait) -> errors.InQueue:
    return errors.InQueue(retry_after_seconds=wait.refresh_seconds, place=wait.ahead, estimatedSeconds=wait.seconds)


def _cookie(queues: Queues, clinic_id: int, ticket: Ticket) -> bytes:
    seconds = TICKET_SECONDS if ticket.kind == "ticket" else PASS_SECONDS + FORM_SECONDS
    value = tickets.encode(queues.secret, clinic_id, ticket)
    name = tickets.cookie_name(clinic_id)
    return f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax; Secure".encode()
