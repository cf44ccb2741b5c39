"""/api/clinics/{clinicId}/signInRules"""

from litestar import Controller, Response, get, put
from litestar.params import FromPath, JSONBody

from ...http.etags import check, digest
from ...http.request import Request
from ...http.responses import json_response
from ...http.routes import route
from . import service
from .model import SignInRules


class ClinicSignInRules(Controller):
    """How a clinic's staff must sign in."""

    path = "/clinics/{clinic_id:int}/signInRules"
    tags = ["Users"]

    @get(operation_id="getSignInRules", opt=route(permission="manage-access"))
    async def find(self, request: Request, clinic_id: FromPath[int]) -> Response[SignInRules]:
        """Return how a clinic's staff must sign in."""
        return json_response(request, await service.get(request.db, clinic_id), subjects=[str(clinic_id)])

    @put(operation_id="replaceSignInRules", opt=route(permission="manage-access", recent_proof=True))
    async def replace(
        self, request: Request, clinic_id: FromPath[int], data: JSONBody[SignInRules]
    ) -> Response[SignInRules]:
        """Set how a clinic's staff must sign in. Takes effect from everyone's next request: members of staff who signed
        in without a second factor must set one up or use it before they can do anything else at the clinic."""
        if request.if_match is not None:
            check(request.if_match, digest(await service.get(request.db, clinic_id)))
        rules = await request.db.atomic(service.replace, request.user, clinic_id=clinic_id, content=data)
        return json_response(request, rules)
