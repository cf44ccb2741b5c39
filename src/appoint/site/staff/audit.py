"""The audit log, for staff: changes and views, newest first."""

from datetime import date
from typing import Any, Final

from litestar import Response, get
from litestar.params import FromPath
from litestar.routes import HTTPRoute

from ...audit import service
from ...audit.model import EntryFilter
from ...audit.refusals import REFUSED_ACTIONS
from ...http.forms import parse_date, parse_id, query_params
from ...http.request import Request
from ...http.routes import route
from ...kit import fields
from ..rendering import url_with
from ..staff_frame import staff_page

PAGE_SIZE: Final = 50
MAX_FIELD_LENGTH: Final = 200
KINDS: Final = ("user", "patient", "key", "oidc", "link", "administrator", "open", "gateway", "system", "command-line")


@get(
    "/staff/{clinic_id:int}/audit",
    operation_id="showAudit",
    opt=route(permission="manage-access", page=True),
    include_in_schema=False,
)
async def audit(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Show the audit log. Viewing it adds an entry."""
    query = {name: value[:MAX_FIELD_LENGTH].strip() for name, value in query_params(request).items()}
    matches = await service.newest(
        request.db,
        clinic_id=clinic_id,
        matching=EntryFilter(
            _day(query.get("from")),
            _day(query.get("to")),
            query.get("actor") or None,
            query.get("action") or None,
            query.get("subject") or None,
        ),
        before=parse_id(query.get("before")),
        limit=PAGE_SIZE,
    )
    page = matches[:PAGE_SIZE]
    names = await service.actor_names(request.db, clinic_id=clinic_id)
    return await staff_page(
        request,
        "staff/audit.html",
        clinic_id=clinic_id,
        place="audit",
        subjects=[entry.id for entry in page],
        entries=page,
        names=names,
        people=sorted(((f"{kind}:{id}", name) for (kind, id), name in names.items()), key=lambda person: person[::-1]),
        kinds=KINDS,
        filters=query,
        sealed=await service.sealed_position(request.db, clinic_id=clinic_id),
        actions=_actions(request),
        next=url_with(request, before=page[-1].id) if len(matches) > PAGE_SIZE else None,
    )


def _day(text: str | None) -> date | None:
    day = parse_date(text)
    return day if day and fields.FIRST_YEAR <= day.year <= fields.LAST_YEAR else None


def _actions(request: Request) -> list[str]:
    """Return the application's operations, and the actions that stand for refusals."""
    handlers = (
        handler for route in request.app.routes if isinstance(route, HTTPRoute) for handler in route.route_handlers
    )
    return sorted({str(handler.operation_id) for handler in handlers if handler.operation_id} | {*REFUSED_ACTIONS})


PAGES: Final = [audit]
