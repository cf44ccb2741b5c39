"""/api/clinics/search"""

from litestar import Controller, Response, get

from ...http.pagination import cursor_after, page_response
from ...http.request import Request
from ...http.routes import route
from ...kit import clock
from ...kit.structs import Page
from ..availability.responses import CACHE_CONTROL
from . import service
from .model import ClinicSearch, FoundClinic


class ClinicQueries(Controller):
    tags = ["Clinics"]

    @get("/clinics/search", operation_id="searchClinics", opt=route(permission="public", rate_limit="search"))
    async def search(self, request: Request, query: ClinicSearch) -> Response[Page[FoundClinic]]:
        """Find clinics with bookable hours, each with its next three free times. The nearest clinics come first or, in
        a search without a place, the best matches. A page can have fewer items than its limit, even if there is another
        page."""
        now = clock.now()
        criteria = await service.read_criteria(request.db, request.cache, query, now=now)
        after = cursor_after(request, query, tuple[int])
        findings = await service.find(request.db, criteria, after=after and after[0], limit=query.limit, now=now)
        return page_response(
            request,
            query,
            findings.clinics,
            lambda clinic: (clinic.clinic_id,),
            cache_control=CACHE_CONTROL,
            last_key=findings.after and (findings.after,),
        )
