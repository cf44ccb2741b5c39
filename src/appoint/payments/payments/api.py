"""/api/clinics/{clinicId}/payments, /api/payments, /api/refunds and /api/allocations"""

from uuid import UUID

from litestar import Controller, Response, delete, get, post
from litestar.params import FromPath, JSONBody

from ...clinics.clinics import service as clinics
from ...customers import service as customers
from ...http.pagination import cursor_after
from ...http.request import Request
from ...http.resources import idempotent_resource, resource_page
from ...http.responses import created_response, json_response, replay_headers
from ...http.routes import route
from ...kit import clock
from ...kit.structs import Page
from . import refunds, repository, service
from .model import AllocationContent, Credit, Payment, PaymentContent, PaymentFilter, Refund, RefundContent

ALLOCATING = ("not-enough", "currency-differs", "invoice-draft")


class Payments(Controller):
    """What patients have paid, and which invoices that pays. Credit is a payment, too."""

    tags = ["Payments"]

    @get("/clinics/{clinic_id:int}/payments", operation_id="listPayments", opt=route(permission="bill"))
    async def list(self, request: Request, clinic_id: FromPath[int], query: PaymentFilter) -> Response[Page[Payment]]:
        """List a clinic's payments, newest first."""
        payments = await repository.list_payments(
            request.db,
            clinic_id,
            customer_id=query.customer_id,
            status=query.status,
            method=query.method,
            first_day=query.from_date,
            last_day=query.until_date,
            after=cursor_after(request, query, tuple[UUID]),
            limit=query.limit,
        )
        if not payments:
            await clinics.get(request.db, clinic_id)
        return resource_page(request, query, payments)

    @post(
        "/clinics/{clinic_id:int}/payments",
        operation_id="recordPayment",
        opt=route(permission="bill", problems=("clinic-inactive", *ALLOCATING)),
    )
    async def record(
        self, request: Request, clinic_id: FromPath[int], data: JSONBody[PaymentContent]
    ) -> Response[Payment]:
        """Record a payment in cash, at a card terminal or by bank transfer, or give goodwill, and pay invoices."""
        payment, replayed = await idempotent_resource(
            request,
            data,
            lambda tx: service.record(tx, request.user, clinic_id=clinic_id, content=data, now=clock.now()),
            service.get,
        )
        return created_response(request, payment, f"/api/payments/{payment.id}", replayed=replayed)

    @get("/payments/{payment_id:uuid}", operation_id="getPayment", opt=route(permission="bill"))
    async def show(self, request: Request, payment_id: FromPath[UUID]) -> Response[Payment]:
        """Return a payment and its allocations."""
        payment = await service.get(request.db, payment_id)
        return json_response(request, payment, subjects=[payment_id, payment.customer_id])

    @post(
        "/payments/{payment_id:uuid}/allocate",
        operation_id="allocatePayment",
        status_code=200,
        opt=route(permission="bill", problems=ALLOCATING),
    )
    async def allocate(
        self, request: Request, payment_id: FromPath[UUID], data: JSONBody[AllocationContent]
    ) -> Response[Payment]:
        """Pay an invoice with what is left of a payment."""
        payment, replayed = await idempotent_resource(
            request,
            data,
            lambda tx: service.allocate(
                tx, request.user, payment_id=payment_id, content=data, if_match=request.if_match
            ),
            service.get,
        )
        return json_response(request, payment, headers=replay_headers(replayed))

    @post(
        "/payments/{payment_id:uuid}/cancel",
        operation_id="cancelPayment",
        status_code=200,
        opt=route(permission="refund", problems=("not-enough",)),
    )
    async def cancel(self, request: Request, payment_id: FromPath[UUID]) -> Response[Payment]:
        """Cancel a payment that was recorded by mistake, as long as none of it has been spent."""
        payment, replayed = await idempotent_resource(
            request,
            None,
            lambda tx: service.cancel(
                tx, request.user, payment_id=payment_id, if_match=request.if_match, now=clock.now()
            ),
            service.get,
        )
        return json_response(request, payment, headers=replay_headers(replayed))

    @post(
        "/payments/{payment_id:uuid}/refund",
        operation_id="refundPayment",
        opt=route(permission="refund", problems=("refund-too-large", "currency-differs")),
    )
    async def refund(
        self, request: Request, payment_id: FromPath[UUID], data: JSONBody[RefundContent]
    ) -> Response[Refund]:
        """Refund what is left of a payment, either to the customer's credit or the way they paid."""
        refund, replayed = await idempotent_resource(
            request,
            data,
            lambda tx: refunds.refund_payment(
                tx, request.user, payment_id=payment_id, content=data, if_match=request.if_match, now=clock.now()
            ),
            refunds.get,
        )
        return created_response(request, refund, f"/api/refunds/{refund.id}", replayed=replayed)

    @get("/refunds/{refund_id:uuid}", operation_id="getRefund", opt=route(permission="bill"))
    async def get_refund(self, request: Request, refund_id: FromPath[UUID]) -> Response[Refund]:
        """Return a refund. A refund of a card payment is pending until the payment provider has made it."""
        refund = await refunds.get(request.db, refund_id)
        return json_response(request, refund, subjects=[refund_id, refund.payment_id])

    @delete(
        "/allocations/{allocation_id:uuid}",
        operation_id="undoAllocation",
        status_code=200,
        opt=route(permission="bill"),
    )
    async def undo(self, request: Request, allocation_id: FromPath[UUID]) -> Response[Payment]:
        """Undo an allocation. The payment has its cents back, and the invoice is open again."""
        payment = await request.db.atomic(
            service.undo_allocation, request.user, allocation_id=allocation_id, now=clock.now()
        )
        return json_response(request, payment)

    @get(
        "/clinics/{clinic_id:int}/patients/{customer_id:uuid}/credit",
        operation_id="getCredit",
        opt=route(permission="bill"),
    )
    async def credit(self, request: Request, clinic_id: FromPath[int], customer_id: FromPath[UUID]) -> Response[Credit]:
        """Return how much a clinic owes a patient, and the payments that make up this credit."""
        await customers.get_patient(request.db, clinic_id, customer_id)
        credit = await service.get_credit(request.db, clinic_id=clinic_id, customer_id=customer_id)
        return json_response(request, credit, subjects=[customer_id])
