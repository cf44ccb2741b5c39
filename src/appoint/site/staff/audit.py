"""The audit log, for staff: changes and views, newest first."""

from datetime import date
from functools import partial
from typing import Any, Final

from litestar import Response, get
from litestar.params import FromPath
from litestar.routes import HTTPRoute

from ...audit import service
from ...audit.model import EntryFilter
from ...audit.refusals import REFUSED_ACTIONS
from ...clinics.catalogue import service as catalogue
from ...customers.model import search_terms
from ...http.forms import parse_id, query_params
from ...http.languages import language_tag_for, typed_date
from ...http.request import Request
from ...http.routes import route
from ...kit import fields
from ...oversight.audit_trail import service as audit_trail
from ..rendering import url_with
from ..staff_frame import staff_page
from .audit_actions import GROUPS
from .audit_areas import list_areas
from .audit_sentences import Reader, links, sentence

PAGE_SIZE: Final = 50
MAX_FIELD_LENGTH: Final = 200
EXPORTS: Final = frozenset({"exportCustomer"})
"""Views that are listed along with the changes."""
KINDS: Final = (
    "user", "patient", "key", "oidc", "link", "administrator", "open", "gateway", "cell", "system", "command-line",
)  # fmt: skip


@get(
    "/staff/{clinic_id:int}/audit",
    operation_id="showAudit",
    opt=route(permission="manage-access", page=True),
    include_in_schema=False,
)
async def audit(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Show the audit log. Viewing it adds an entry."""
    query = {name: value[:MAX_FIELD_LENGTH].strip() for name, value in query_params(request).items()}
    clinic_catalogue = await catalogue.get(request.db, request.cache, clinic_id)
    days = {name: _day(request, query.get(name), clinic_catalogue.time_zone) for name in ("from", "to")}
    db = request.stale_db
    matches = await service.newest(
        db,
        clinic_id=clinic_id,
        matching=await _filter(request, clinic_id, query, days),
        before=parse_id(query.get("before")),
        limit=PAGE_SIZE,
    )
    page = matches[:PAGE_SIZE]
    names = await service.actor_names(db, clinic_id=clinic_id)
    reader = Reader(
        language_tag_for(request, clinic_catalogue.time_zone),
        clinic_catalogue.time_zone,
        names,
        list_areas(request.app),
    )
    subjects = await audit_trail.describe(db, clinic_id=clinic_id, entries=page)
    return await staff_page(
        request,
        "staff/audit.html",
        clinic_id=clinic_id,
        place="audit",
        subjects=[*(entry.id for entry in page), *subjects.ids],
        entries=page,
        sentence=partial(sentence, subjects=subjects, reader=reader),
        linked=partial(links, subjects=subjects),
        patients=subjects.patients,
        groups={name: label for name, (label, _) in GROUPS.items()},
        names=names,
        people=sorted(((f"{kind}:{id}", name) for (kind, id), name in names.items()), key=lambda person: person[::-1]),
        kinds=KINDS,
        filters=query,
        days=days,
        sealed=await service.sealed_position(db, clinic_id=clinic_id),
        actions=_actions(request),
        next=url_with(request, before=page[-1].id) if len(matches) > PAGE_SIZE else None,
    )


async def _filter(request: Request, clinic_id: int, query: dict[str, str], days: dict[str, date | None]) -> EntryFilter:
    """Return the page's filter. Unless the user asks for an action or for everything, leave out views."""
    terms = search_terms(query.get("patient"), language_tag_for(request))
    group = GROUPS.get(query.get("group", ""))
    wants_all = query.get("show") == "all" or query.get("action") or query.get("subject")
    return EntryFilter(
        days["from"],
        days["to"],
        query.get("actor") or None,
        query.get("action") or None,
        query.get("subject") or None,
        actions=group and group[1],
        without=() if wants_all or group else _views(request),
        subjects=await audit_trail.find_subjects(request.stale_db, clinic_id=clinic_id, terms=terms) if terms else None,
    )


def _views(request: Request) -> list[str]:
    """Return the operations that only show data."""
    return sorted(
        {
            str(handler.operation_id)
            for route in request.app.routes
            if isinstance(route, HTTPRoute)
            for handler in route.route_handlers
            if handler.operation_id and handler.http_methods <= {"GET", "HEAD", "OPTIONS"}
        }
        - EXPORTS
    )


def _day(request: Request, text: str | None, time_zone: str) -> date | None:
    day = typed_date(request, text, time_zone)
    return day if day and fields.FIRST_YEAR <= day.year <= fields.LAST_YEAR else None


def _actions(request: Request) -> list[str]:
    """Return the application's operations, and the actions that stand for refusals."""
    handlers = (
        handler for route in request.app.routes if isinstance(route, HTTPRoute) for handler in route.route_handlers
    )
    return sorted({str(handler.operation_id) for handler in handlers if handler.operation_id} | {*REFUSED_ACTIONS})


PAGES: Final = [audit]
