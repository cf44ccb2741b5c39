"""/cells: what cells ask each other. Not part of the public API."""

from datetime import datetime

from litestar import Response, get

from ...http.request import Request
from ...http.routes import route
from ...kit import clock
from ...kit.structs import RequestBody as Query
from . import repository
from .everywhere import answer
from .model import OwnClinics
from .network import expect_cell


class ClinicsSince(Query):
    since: datetime | None = None
    """Return only clinics that have changed after this time."""


@get(
    "/cells/clinics",
    operation_id="listClinicsForCells",
    opt=route(permission="public", rate_limit="callbacks"),
    include_in_schema=False,
)
async def list_clinics_for_cells(request: Request, query: ClinicsSince) -> Response[bytes]:
    """Return this cell's clinics to another cell, which routes requests by them."""
    own = expect_cell(request).table.own
    assert own, "requests are signed for this cell"
    now = clock.now()
    clinics = await repository.list_own_clinics(request.services.db, number=own.number, since=query.since)
    return answer(OwnClinics(own.name, own.number, now, list(clinics)))
