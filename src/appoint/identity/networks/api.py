"""/api/clinics/{clinicId}/staffNetworks"""

from litestar import Controller, Response, get, put
from litestar.params import FromPath, JSONBody

from ...http.etags import check, digest
from ...http.request import Request
from ...http.responses import json_response
from ...http.routes import route
from . import service
from .model import StaffNetworks


class ClinicNetworks(Controller):
    """The networks from which a clinic's staff have access."""

    path = "/clinics/{clinic_id:int}/staffNetworks"
    tags = ["Users"]

    @get(operation_id="getStaffNetworks", opt=route(permission="manage-access"))
    async def find(self, request: Request, clinic_id: FromPath[int]) -> Response[StaffNetworks]:
        """Return the networks from which a clinic's staff have access."""
        return json_response(request, await service.get(request.db, clinic_id), subjects=[str(clinic_id)])

    @put(operation_id="replaceStaffNetworks", opt=route(permission="manage-access"))
    async def replace(
        self, request: Request, clinic_id: FromPath[int], data: JSONBody[StaffNetworks]
    ) -> Response[StaffNetworks]:
        """Set the networks from which a clinic's staff have access. The caller's own address must be in one of them.
        Takes effect from the next request."""
        if request.if_match is not None:
            check(request.if_match, digest(await service.get(request.db, clinic_id)))
        return json_response(
            request, await request.db.atomic(service.replace, request.user, clinic_id=clinic_id, content=data)
        )
