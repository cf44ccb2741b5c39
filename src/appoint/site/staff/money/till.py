"""The till at reception: find a patient, see what they owe, and take a payment for one or more invoices."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import date
from typing import Any, Final, get_args
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK, HTTP_400_BAD_REQUEST, HTTP_409_CONFLICT

from ....clinics.clinics import service as clinics
from ....customers import lists
from ....customers import service as customers
from ....customers.lists import ListedPatient
from ....customers.model import search_terms
from ....database.pool import Transaction
from ....http.forms import parse_form, parse_id, query_params
from ....http.idempotency.keys import idempotent
from ....http.languages import language_for, language_tag_for
from ....http.request import Request
from ....http.routes import route
from ....kit import clock, errors
from ....kit.i18n import translatable, translate
from ....payments.payments import service as payments
from ....payments.payments import spending
from ....payments.payments.model import (
    AllocationContent,
    ManualMethod,
    Payment,
    PaymentContent,
    PositiveMoney,
)
from ....payments.totals import service as totals
from ...rendering import redirect
from ...staff_frame import staff_page
from .amounts import amount_fault, parse_amount, typed_amount
from .owed import PICKED, Owed, load_owed
from .parts import BILL, describe_refusal

PAGE: Final = "/staff/{clinic_id:int}/till"
MAX_MATCHES: Final = 12
MAX_SEARCH_LENGTH: Final = 200
MAX_RECENT: Final = 10
"""How many open invoices the till offers before anyone has searched."""
TAKINGS: Final = route(permission="bill", page=True, unattended=True)
METHODS: Final = tuple(method for method in get_args(ManualMethod) if method != "goodwill")


@get(PAGE, operation_id="showTill", opt=BILL, include_in_schema=False)
async def show(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Show what a patient owes. If none has been chosen, show patients to choose from and what the till has taken
    today."""
    query = query_params(request)
    patient_id = parse_id(query.get("patient"))
    if patient_id is None:
        return await _start(request, clinic_id, query.get("q", "")[:MAX_SEARCH_LENGTH])
    return await _page(request, await load_owed(request, clinic_id, patient_id, query))


@get(f"{PAGE}/takings", operation_id="showTakings", opt=TAKINGS, include_in_schema=False)
async def show_takings(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Show what the till has taken today, without any patient's data. A script on the till's page requests it."""
    clinic = await clinics.get(request.db, clinic_id)
    today = clock.local_date(clock.now(), clinic.time_zone)
    return await staff_page(
        request,
        "staff/money/takings.html",
        clinic_id=clinic_id,
        place="till",
        takings=await totals.sum_up_takings(request.db, clinic_id=clinic_id, first_day=today, last_day=today),
    )


@post(PAGE, operation_id="takePaymentByForm", status_code=HTTP_200_OK, opt=BILL, include_in_schema=False)
async def take(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Record a payment, and pay the chosen invoices with it."""
    form = await parse_form(request)
    owed = await _owed_in(request, clinic_id, form)
    try:
        payment = await _record(request, owed, form)
    except errors.Invalid as invalid:
        fault = invalid.faults[0]
        return await _page(request, owed, form=form, fault=translate(language_for(request), fault.text, **fault.values))
    except errors.Conflict as refusal:
        return await _page(request, owed, form=form, refusal=describe_refusal(request, refusal))
    received = parse_amount(form.get("received", ""), owed.currency) or 0
    change = f"&received={received}" if received > payment.amount.amount and payment.method == "cash" else ""
    return redirect(f"/staff/{clinic_id}/payments/{payment.id}?done=taken{change}")


@post(f"{PAGE}/credit", operation_id="spendCreditByForm", status_code=HTTP_200_OK, opt=BILL, include_in_schema=False)
async def spend(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Pay the chosen invoices with the patient's credit and earlier payments."""
    form = await parse_form(request)
    owed = await _owed_in(request, clinic_id, form)
    try:
        await request.db.atomic(
            spending.spend,
            request.user,
            clinic_id=clinic_id,
            customer_id=owed.patient.id,
            currency=owed.currency,
            owed=owed.open_amounts,
        )
    except errors.Conflict as refusal:
        return await _page(request, owed, refusal=describe_refusal(request, refusal))
    return redirect(f"/staff/{clinic_id}/till?patient={owed.patient.id}&done=spent")


async def _owed_in(request: Request, clinic_id: int, form: Mapping[str, str]) -> Owed:
    """Return what the form is about. Raise `NotFound` if there is no patient."""
    patient_id = parse_id(form.get("patient"))
    if patient_id is None:
        raise errors.NotFound
    return await load_owed(request, clinic_id, patient_id, {**form, PICKED: "on"})


def _content(request: Request, owed: Owed, form: Mapping[str, str]) -> PaymentContent:
    """Return the payment. Raise `Invalid` for an amount that is unreadable or larger than is owed."""
    method = form.get("method", "")
    if method not in METHODS:
        raise errors.NotFound
    amount = parse_amount(form.get("amount", ""), owed.currency)
    if not amount:
        raise errors.Invalid(amount_fault("#/amount", owed.currency, language_tag_for(request, owed.time_zone)))
    if amount > owed.total.amount and "keep" not in form:
        raise errors.Invalid(
            errors.Fault(
                "#/amount",
                translatable(
                    "This is more than is owed. Enter less, or choose to keep the rest on the patient’s account."
                ),
            )
        )
    return PaymentContent(
        customer_id=owed.patient.id,
        method=msgspec.convert(method, ManualMethod),
        amount=PositiveMoney(amount, owed.currency),
        allocations=[
            AllocationContent(invoice_id=part.invoice_id, amount=PositiveMoney(part.amount, owed.currency))
            for part in spending.share_out(amount, owed.open_amounts)
        ],
    )


async def _record(request: Request, owed: Owed, form: Mapping[str, str]) -> Payment:
    """Record the payment. A form that is sent twice, such as by a double click, records only one."""

    async def record(tx: Transaction) -> Payment:
        content = _content(request, owed, form)
        return await payments.record(tx, request.user, clinic_id=owed.clinic_id, content=content, now=clock.now())

    fields = [owed.clinic_id, sorted((name, value) for name, value in form.items() if name != "csrf")]
    payment, _ = await idempotent(
        request,
        None,
        record,
        remember=lambda payment: payment.id,
        recall=lambda tx, payment_id: payments.get(tx, UUID(payment_id)),
        key=hashlib.sha256(json.dumps(fields).encode()).hexdigest(),
    )
    return payment


async def _page(
    request: Request,
    owed: Owed,
    *,
    form: Mapping[str, str] | None = None,
    fault: str = "",
    refusal: str = "",
) -> Response[Any]:
    form, query, language = form or {}, query_params(request), language_tag_for(request, owed.time_zone)
    search = query.get("other", "")[:MAX_SEARCH_LENGTH]
    candidates = await _search(request, owed.clinic_id, search) if search else []
    return await staff_page(
        request,
        "staff/money/till.html",
        clinic_id=owed.clinic_id,
        place="till",
        status_code=HTTP_409_CONFLICT if refusal else HTTP_400_BAD_REQUEST if fault else HTTP_200_OK,
        subjects=[
            owed.patient.id,
            *owed.names,
            *(invoice.id for invoice in owed.invoices),
            *(payment.id for payment in owed.unspent),
            *(each.id for each in candidates),
        ],
        owed=owed,
        amount=form.get("amount") or typed_amount(owed.total.amount, owed.currency, language),
        received=form.get("received", ""),
        keeps="keep" in form,
        nonce=form.get("nonce") or secrets.token_hex(16),
        fault=fault,
        refusal=refusal,
        done=query.get("done") == "spent",
        search=search,
        candidates=[each for each in candidates if each.id not in owed.names],
        today=clock.local_date(clock.now(), owed.time_zone),
    )


async def _start(request: Request, clinic_id: int, search: str) -> Response[Any]:
    clinic = await clinics.get(request.db, clinic_id)
    today = clock.local_date(clock.now(), clinic.time_zone)
    matches = await _search(request, clinic_id, search) if search else []
    newest = await totals.list_invoices(request.db, clinic_id=clinic_id, status="open", today=today, limit=MAX_RECENT)
    recent = newest[: 0 if search else MAX_RECENT]
    payments_today = await _taken_today(request, clinic_id, today)
    people = list({each.customer_id for each in (*recent, *payments_today)})
    return await staff_page(
        request,
        "staff/money/till_start.html",
        clinic_id=clinic_id,
        place="till",
        subjects=[*people, *(each.id for each in matches), *(each.id for each in (*recent, *payments_today))],
        search=search,
        matches=matches,
        recent=recent,
        payments_today=payments_today,
        takings=await totals.sum_up_takings(request.db, clinic_id=clinic_id, first_day=today, last_day=today),
        names=await customers.load_patient_names(request.db, clinic_id, people),
        today=today,
    )


async def _taken_today(request: Request, clinic_id: int, today: date) -> list[Payment]:
    newest = await totals.list_payments(
        request.db, clinic_id=clinic_id, first_day=today, last_day=today, limit=MAX_RECENT
    )
    return [payment for payment in newest[:MAX_RECENT] if payment.method in (*METHODS, "card")]


async def _search(request: Request, clinic_id: int, search: str) -> list[ListedPatient]:
    matches = await lists.list_by_name(
        request.db,
        clinic_id,
        doctor_id=None,
        terms=search_terms(search, language_tag_for(request)),
        initial=None,
        after=None,
        limit=MAX_MATCHES,
    )
    return matches[:MAX_MATCHES]


PAGES: Final = [show, show_takings, take, spend]
