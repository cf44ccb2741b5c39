"""/api/clinics/{clinicId}/paymentPolicy and /api/appointmentTypes/{id}/paymentPolicy"""

from uuid import UUID

from litestar import Controller, Response, get, put
from litestar.params import FromPath, JSONBody

from ...http.request import Request
from ...http.responses import json_response
from ...http.routes import route
from ...kit.ids import clinic_of
from . import service
from .model import PaymentPolicyContent


class PaymentPolicies(Controller):
    """How a clinic charges: deposits, fees, refunds, tax and numbering."""

    tags = ["Payment policies"]

    @get("/clinics/{clinic_id:int}/paymentPolicy", operation_id="getPaymentPolicy", opt=route(permission="bill"))
    async def show(self, request: Request, clinic_id: FromPath[int]) -> Response[PaymentPolicyContent]:
        """Return what a clinic's policy states. The defaults apply to everything else."""
        return json_response(request, await service.get_stated(request.db, clinic_id), subjects=[])

    @put("/clinics/{clinic_id:int}/paymentPolicy", operation_id="replacePaymentPolicy", opt=route(permission="manage"))
    async def replace(
        self, request: Request, clinic_id: FromPath[int], data: JSONBody[PaymentPolicyContent]
    ) -> Response[PaymentPolicyContent]:
        """Replace a clinic's policy. It applies to new invoices."""
        content = await request.db.atomic(
            service.replace, request.user, clinic_id=clinic_id, type_id=None, content=data
        )
        return json_response(request, content)

    @get(
        "/appointmentTypes/{id:uuid}/paymentPolicy",
        operation_id="getPaymentPolicyOfType",
        opt=route(permission="bill"),
    )
    async def get_of_type(self, request: Request, id: FromPath[UUID]) -> Response[PaymentPolicyContent]:
        """Return what differs from the clinic's policy for an appointment type."""
        return json_response(request, await service.get_stated(request.db, clinic_of(id), id), subjects=[])

    @put(
        "/appointmentTypes/{id:uuid}/paymentPolicy",
        operation_id="replacePaymentPolicyOfType",
        opt=route(permission="manage"),
    )
    async def replace_of_type(
        self, request: Request, id: FromPath[UUID], data: JSONBody[PaymentPolicyContent]
    ) -> Response[PaymentPolicyContent]:
        """Replace what differs from the clinic's policy for an appointment type."""
        content = await request.db.atomic(
            service.replace, request.user, clinic_id=clinic_of(id), type_id=id, content=data
        )
        return json_response(request, content)
