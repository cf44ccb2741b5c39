"""/api/invoices/{id}/waive and /api/appointments/{id}/settlement"""

from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from ...database.pool import Transaction
from ...http.languages import language_for
from ...http.request import Request
from ...http.resources import idempotent_result
from ...http.responses import json_response, replay_headers
from ...http.routes import route
from ...kit import clock
from ...kit.ids import clinic_of
from . import service
from .model import PaymentTerms, SettlementView, Waiver


class Billing(Controller):
    """The cost of cancelled and missed appointments."""

    tags = ["Invoices"]

    @post(
        "/invoices/{invoice_id:uuid}/waive",
        operation_id="waiveFee",
        status_code=HTTP_200_OK,
        opt=route(permission="bill", problems=("invoice-issued",)),
    )
    async def waive(
        self, request: Request, invoice_id: FromPath[UUID], data: JSONBody[Waiver]
    ) -> Response[SettlementView]:
        """Waive a drafted fee for a missed appointment or late cancellation. This deletes the draft, and returns what
        the patient has paid towards the fee."""

        async def waive(tx: Transaction) -> SettlementView:
            settlement = await service.waive_fee(
                tx, request.user, invoice_id=invoice_id, reason=data.reason, now=clock.now()
            )
            return SettlementView.of(settlement)

        view, replayed = await idempotent_result(request, data, waive, SettlementView)
        return json_response(request, view, headers=replay_headers(replayed))

    @get("/appointmentTypes/{id:uuid}/paymentTerms", operation_id="getPaymentTerms", opt=route(permission="public"))
    async def terms(self, request: Request, id: FromPath[UUID]) -> Response[PaymentTerms]:
        """Return what an appointment of a type costs, what has to be paid to book it, and what it costs to cancel or
        miss it, both as figures and in sentences."""
        db, language = request.services.db.within(clinic_of(id)), language_for(request)
        terms = await service.get_terms(db, id, language=language)
        return json_response(request, terms, headers={"Cache-Control": "public, no-cache", "Vary": "Accept-Language"})

    @get(
        "/appointments/{appointment_id:uuid}/settlement",
        operation_id="getSettlement",
        opt=route(permission="see-appointments", owned_by="appointment_id"),
    )
    async def settlement(self, request: Request, appointment_id: FromPath[UUID]) -> Response[SettlementView]:
        """Return what happened to the money for a cancelled or missed appointment. For other appointments, return what
        would happen if the patient cancelled now."""
        settlement = await service.get_settlement(request.db, appointment_id, now=clock.now())
        return json_response(request, SettlementView.of(settlement), subjects=[appointment_id])
