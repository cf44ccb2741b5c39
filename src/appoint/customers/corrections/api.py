"""/api/clinics/{clinicId}/patients/{customerId}/corrections"""

from uuid import UUID

from litestar import Controller, Response, get
from litestar.params import FromPath

from ...http.request import Request
from ...http.responses import json_response
from ...http.routes import route
from ...kit.structs import Page
from .. import service as customers
from . import service
from .model import Correction


class Corrections(Controller):
    path = "/clinics/{clinic_id:int}/patients/{customer_id:uuid}/corrections"
    tags = ["Patients"]

    @get(operation_id="listCorrections", opt=route(permission="see-patients", owned_by="customer_id"))
    async def list(
        self, request: Request, clinic_id: FromPath[int], customer_id: FromPath[UUID]
    ) -> Response[Page[Correction]]:
        """List the corrections that the clinic's staff have made to a patient's details, newest first. Returns a single
        page of at most 100."""
        await customers.get_patient(request.db, clinic_id, customer_id)
        corrections = await service.list_newest(request.db, clinic_id=clinic_id, customer_id=customer_id)
        return json_response(request, Page(corrections, None), subjects=[customer_id])
