"""The audit on staff's pages: who has changed and seen what, newest first."""

from datetime import date
from typing import Any, Final

from litestar import Response, get
from litestar.params import FromPath
from litestar.routes import HTTPRoute

from ...audit import service
from ...audit.repository import chain, entries
from ...http.forms import parse_date, parse_id, query_params
from ...http.request import Request
from ...http.routes import route
from ...kit import fields
from ..rendering import url_with
from ..staff_frame import staff_page

MOST: Final = 50
LONGEST: Final = 200
KINDS: Final = ("user", "patient", "key", "oidc", "link", "administrator", "open", "gateway", "system", "command-line")


@get(
    "/staff/{clinic_id:int}/audit",
    operation_id="showAudit",
    opt=route(permission="manage-access", page=True),
    include_in_schema=False,
)
async def audit(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Looking at it is one of its entries, too."""
    said = {name: value[:LONGEST].strip() for name, value in query_params(request).items()}
    found = await service.newest(
        request.db,
        clinic_id=clinic_id,
        first=_day(said.get("from")),
        last=_day(said.get("to")),
        actor=said.get("actor") or None,
        action=said.get("action") or None,
        subject=said.get("subject") or None,
        before=parse_id(said.get("before")),
        limit=MOST,
    )
    shown = found[:MOST]
    names = await entries.names(request.db, clinic_id)
    return await staff_page(
        request,
        "staff/audit.html",
        clinic_id=clinic_id,
        place="audit",
        subjects=[entry.id for entry in shown],
        entries=shown,
        names=names,
        people=sorted((name, f"{kind}:{id}") for (kind, id), name in names.items()),
        kinds=KINDS,
        asked=said,
        head=await chain.head(request.db, clinic_id),
        actions=_actions(request),
        next=url_with(request, before=shown[-1].id) if len(found) > MOST else None,
    )


def _day(text: str | None) -> date | None:
    day = parse_date(text)
    return day if day and fields.FIRST_YEAR <= day.year <= fields.LAST_YEAR else None


def _actions(request: Request) -> list[str]:
    """What can be asked of the application."""
    handlers = (
        handler for route in request.app.routes if isinstance(route, HTTPRoute) for handler in route.route_handlers
    )
    return sorted({str(handler.operation_id) for handler in handlers if handler.operation_id})


PAGES: Final = [audit]
