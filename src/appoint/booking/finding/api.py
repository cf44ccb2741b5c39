"""/api/clinics/search, and /cells/clinicSearch for other cells"""

from litestar import Controller, Response, get, post

from ...clinics.cells.everywhere import MISSING_CELLS, answer, read_question
from ...clinics.cells.network import cells_of
from ...http.pagination import cursor_after, page_response
from ...http.request import Request
from ...http.routes import route
from ...kit import clock
from ...kit.structs import Page
from ..availability.responses import CACHE_CONTROL
from . import everywhere, service
from .model import ClinicSearch, FoundClinic


def _number(clinic: FoundClinic) -> tuple[int]:
    return (clinic.clinic_id,)


class ClinicQueries(Controller):
    tags = ["Clinics"]

    @get(
        "/clinics/search",
        operation_id="searchClinics",
        opt=route(permission="public", rate_limit="search", stale=True, headers=(MISSING_CELLS,)),
    )
    async def search(self, request: Request, query: ClinicSearch) -> Response[Page[FoundClinic]]:
        """Find clinics with bookable hours, each with its next three free times. The nearest clinics come first or, in
        a search without a place, the best matches. A page can have fewer items than its limit, even if there is another
        page.

        On a platform with several cells, this searches all of them. `Appoint-Missing-Cells` names those that did not
        respond in time."""
        db, now = request.stale_db, clock.now()
        criteria = await service.read_criteria(db, request.cache, query, now=now)
        if cells := cells_of(request):
            position = cursor_after(request, query, dict[int, int]) or {}
            results = await everywhere.find(
                cells, db, criteria, after=position, limit=query.limit, now=now, address=request.user.address or ""
            )
            response = page_response(
                request, query, results.clinics, _number, cache_control=CACHE_CONTROL, last_key=results.after
            )
            if results.silent:
                response.headers[MISSING_CELLS] = ", ".join(results.silent)
            return response
        after = cursor_after(request, query, tuple[int])
        findings = await service.find(db, criteria, after=after and after[0], limit=query.limit, now=now)
        return page_response(
            request,
            query,
            findings.clinics,
            _number,
            cache_control=CACHE_CONTROL,
            last_key=findings.after and (findings.after,),
        )


@post(
    everywhere.PATH,
    operation_id="searchClinicsForCells",
    status_code=200,
    opt=route(permission="public", rate_limit="search", stale=True),
    include_in_schema=False,
)
async def search_for_cells(request: Request) -> Response[bytes]:
    """Return the clinics of this cell that match another cell's search."""
    query = read_question(request, await request.body(), everywhere.CellSearch)
    return answer(
        await service.find(request.stale_db, query.criteria, after=query.after, limit=query.limit, now=clock.now())
    )
