"""One payment: its receipt, what it pays, and how to undo, cancel or refund it."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK, HTTP_400_BAD_REQUEST, HTTP_409_CONFLICT

from ....clinics.clinics import service as clinics
from ....customers import service as customers
from ....http.forms import parse_form, query_params
from ....http.languages import language_for, language_tag_for
from ....http.request import Request
from ....kit import clock, errors
from ....kit.i18n import translate
from ....kit.money import Money
from ....payments.invoices import service as invoices
from ....payments.invoices.model import Invoice
from ....payments.payments import refunds, service, spending
from ....payments.payments.model import Payment, PositiveMoney, Refund, RefundContent
from ...rendering import redirect
from ...staff_frame import staff_page
from .amounts import amount_fault, parse_amount, typed_amount
from .parts import BILL, REFUND, check_clinic, describe_refusal

PAGE: Final = "/staff/{clinic_id:int}/payments/{payment_id:uuid}"
NOTICES: Final = frozenset({"taken", "undone", "cancelled", "refunded"})
MAX_REASON_LENGTH: Final = 500


@get(PAGE, operation_id="showPayment", opt=BILL, include_in_schema=False)
async def show(request: Request, clinic_id: FromPath[int], payment_id: FromPath[UUID]) -> Response[Any]:
    check_clinic(clinic_id, payment_id)
    return await _page(request, await service.get(request.db, payment_id))


@post(f"{PAGE}/undo", operation_id="releasePaymentByForm", status_code=HTTP_200_OK, opt=BILL, include_in_schema=False)
async def undo(request: Request, clinic_id: FromPath[int], payment_id: FromPath[UUID]) -> Response[Any]:
    """Remove the payment from its invoices, so that they are open again and it can be used for something else."""
    check_clinic(clinic_id, payment_id)
    return await _do(request, payment_id, "undone", spending.release, payment_id=payment_id, now=clock.now())


@post(
    f"{PAGE}/cancel", operation_id="cancelPaymentByForm", status_code=HTTP_200_OK, opt=REFUND, include_in_schema=False
)
async def cancel(request: Request, clinic_id: FromPath[int], payment_id: FromPath[UUID]) -> Response[Any]:
    """Cancel a payment that was recorded by mistake."""
    check_clinic(clinic_id, payment_id)
    return await _do(
        request, payment_id, "cancelled", service.cancel, payment_id=payment_id, if_match=None, now=clock.now()
    )


@post(
    f"{PAGE}/refund", operation_id="refundPaymentByForm", status_code=HTTP_200_OK, opt=REFUND, include_in_schema=False
)
async def refund(request: Request, clinic_id: FromPath[int], payment_id: FromPath[UUID]) -> Response[Any]:
    """Refund what is left of the payment, either to the patient's credit or the way they paid."""
    check_clinic(clinic_id, payment_id)
    form, payment = await parse_form(request), await service.get(request.db, payment_id)
    amount = parse_amount(form.get("amount", ""), payment.amount.currency)
    if not amount:
        fault = amount_fault("#/amount", payment.amount.currency, await _language(request, payment))
        text = translate(language_for(request), fault.text, **fault.values)
        return await _page(request, payment, fault=text)
    content = RefundContent(
        to="credit" if form.get("to") == "credit" else "method",
        amount=PositiveMoney(amount, payment.amount.currency),
        reason=form.get("reason", "").strip()[:MAX_REASON_LENGTH] or None,
    )
    return await _do(
        request,
        payment_id,
        "refunded",
        refunds.refund_payment,
        payment_id=payment_id,
        content=content,
        if_match=None,
        now=clock.now(),
    )


async def _do(request: Request, payment_id: UUID, done: str, use_case: Any, /, **arguments: Any) -> Response[Any]:
    """Run a use case, and show the payment again with a notice or with the reason for a refusal."""
    try:
        await request.db.atomic(use_case, request.user, **arguments)
    except errors.Conflict as refusal:
        payment = await service.get(request.db, payment_id)
        return await _page(request, payment, refusal=describe_refusal(request, refusal))
    clinic_id = request.path_params["clinic_id"]
    return redirect(f"/staff/{clinic_id}/payments/{payment_id}?done={done}")


async def _page(request: Request, payment: Payment, *, fault: str = "", refusal: str = "") -> Response[Any]:
    query = query_params(request)
    done = query.get("done", "")
    received = query.get("received", "")
    paid, repaid = await _load_invoices(request, payment), await _load_refunds(request, payment)
    return await staff_page(
        request,
        "staff/money/payment.html",
        clinic_id=payment.clinic_id,
        place="till",
        status_code=HTTP_409_CONFLICT if refusal else HTTP_400_BAD_REQUEST if fault else HTTP_200_OK,
        subjects=[payment.id, payment.customer_id, *paid],
        payment=payment,
        patient=await customers.get_patient(request.db, payment.clinic_id, payment.customer_id),
        invoices=paid,
        refunds=repaid,
        is_spent=any(each.invoice_id and not each.undone_at for each in payment.allocations),
        change=Money(int(received) - payment.amount.amount, payment.amount.currency)
        if received.isdecimal() and payment.amount.amount < int(received) <= 10**12
        else None,
        money_of=partial(Money, currency=payment.amount.currency),
        refundable=typed_amount(payment.free.amount, payment.amount.currency, await _language(request, payment)),
        done=done if done in NOTICES else "",
        fault=fault,
        refusal=refusal,
    )


async def _language(request: Request, payment: Payment) -> str:
    """Return the language tag for amounts that people type."""
    return language_tag_for(request, (await clinics.get(request.db, payment.clinic_id)).time_zone)


async def _load_invoices(request: Request, payment: Payment) -> dict[UUID, Invoice]:
    ids: Sequence[UUID] = [each.invoice_id for each in payment.allocations if each.invoice_id]
    return {id: await invoices.get(request.db, id) for id in dict.fromkeys(ids)}


async def _load_refunds(request: Request, payment: Payment) -> list[Refund]:
    ids = dict.fromkeys(each.refund_id for each in payment.allocations if each.refund_id)
    return [await refunds.get(request.db, id) for id in ids]


PAGES: Final = [show, undo, cancel, refund]
