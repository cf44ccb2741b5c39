"""One invoice: an editor while it is a draft, and then what it says, what has been paid, and how to correct it."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK, HTTP_400_BAD_REQUEST, HTTP_409_CONFLICT

from ....clinics.appointment_types import service as appointment_types
from ....clinics.appointment_types.model import AppointmentType
from ....clinics.clinics import service as clinics
from ....customers import service as customers
from ....database.pool import Transaction
from ....http.forms import parse_form, query_params
from ....http.languages import language_for, language_names, language_tag_for
from ....http.request import Request
from ....kit import clock, errors
from ....kit.i18n import translate
from ....kit.money import Money
from ....messaging.notifications import invoice_emails
from ....payments.billing import service as fees
from ....payments.checkout.gateway import Checkout
from ....payments.coupons import service as coupons
from ....payments.invoices import corrections, service
from ....payments.invoices.model import CreditNoteContent, Invoice, LineContent, line_content
from ....payments.pay_links import service as pay_links
from ....payments.policies import service as policies
from ....payments.tax import LineAmounts, Tax, sum_up
from ....payments.totals import service as totals
from ...patient.manage_link import version_in
from ...rendering import redirect
from ...staff_frame import staff_page
from .amounts import format_tax_rate
from .invoice_form import LineRow, TypedInvoice, patch_of, read, rows_of
from .parts import BILL, REFUND, check_clinic, describe_refusal, faults_by_path

PAGE: Final = "/staff/{clinic_id:int}/invoices/{invoice_id:uuid}"
MAX_FORM_BYTES: Final = 128 * 1024
"""Invoices have more fields than other forms."""
MAX_REASON_LENGTH: Final = 500
NOTICES: Final = frozenset({"saved", "issued", "corrected", "spent", "sent", "revoked"})


class Editor(NamedTuple):
    """What a draft's form needs."""

    invoice: Invoice
    types: Sequence[AppointmentType]
    language: str
    typed: TypedInvoice


@get(PAGE, operation_id="showInvoice", opt=BILL, include_in_schema=False)
async def show(request: Request, clinic_id: FromPath[int], invoice_id: FromPath[UUID]) -> Response[Any]:
    check_clinic(clinic_id, invoice_id)
    return await _page(request, await service.get(request.db, invoice_id))


@post(
    PAGE,
    operation_id="changeInvoiceByForm",
    status_code=HTTP_200_OK,
    opt=BILL,
    include_in_schema=False,
    request_max_body_size=MAX_FORM_BYTES,
)
async def change(request: Request, clinic_id: FromPath[int], invoice_id: FromPath[UUID]) -> Response[Any]:
    """Save a draft's lines, with a new line for the appointment type that was chosen."""
    return await _save(request, clinic_id, invoice_id, issues=False)


@post(
    f"{PAGE}/issue",
    operation_id="issueInvoiceByForm",
    status_code=HTTP_200_OK,
    opt=BILL,
    include_in_schema=False,
    request_max_body_size=MAX_FORM_BYTES,
)
async def issue(request: Request, clinic_id: FromPath[int], invoice_id: FromPath[UUID]) -> Response[Any]:
    """Save a draft's lines, and issue it."""
    return await _save(request, clinic_id, invoice_id, issues=True)


async def _save(request: Request, clinic_id: int, invoice_id: UUID, *, issues: bool) -> Response[Any]:
    check_clinic(clinic_id, invoice_id)
    form = await parse_form(request)
    invoice = await service.get(request.db, invoice_id)
    language = language_tag_for(request, (await clinics.get(request.db, clinic_id)).time_zone)
    types = await appointment_types.list_types(request.db, clinic_id)
    editor = Editor(invoice, types, language, read(form, types, invoice.total.currency, language))

    async def save(tx: Transaction) -> Invoice:
        patch = patch_of(editor.typed, invoice.total.currency, language)
        common: dict[str, Any] = {"invoice_id": invoice_id, "now": clock.now()}
        changed = await service.change(tx, request.user, **common, patch=patch, if_match=version_in(form))
        return await service.issue(tx, request.user, **common, if_match=None) if issues else changed

    try:
        await request.db.atomic(save)
    except errors.Invalid as invalid:
        return await _page(request, invoice, editor=editor, faults=faults_by_path(invalid, language_for(request)))
    except (errors.Conflict, errors.VersionMismatch) as refusal:
        current = await service.get(request.db, invoice_id)
        is_kept = not isinstance(refusal, errors.VersionMismatch) and current.status == "draft"
        return await _page(
            request, current, editor=editor if is_kept else None, refusal=describe_refusal(request, refusal)
        )
    return redirect(f"/staff/{clinic_id}/invoices/{invoice_id}?done={'issued' if issues else 'saved'}")


@post(
    f"{PAGE}/delete",
    operation_id="deleteInvoiceByForm",
    status_code=HTTP_200_OK,
    opt=BILL,
    include_in_schema=False,
)
async def delete(request: Request, clinic_id: FromPath[int], invoice_id: FromPath[UUID]) -> Response[Any]:
    """Delete a draft."""
    check_clinic(clinic_id, invoice_id)
    version = version_in(await parse_form(request))
    try:
        await request.db.atomic(service.delete, request.user, invoice_id=invoice_id, if_match=version, now=clock.now())
    except (errors.Conflict, errors.VersionMismatch) as refusal:
        invoice = await service.get(request.db, invoice_id)
        return await _page(request, invoice, refusal=describe_refusal(request, refusal))
    return redirect(f"/staff/{clinic_id}/invoices?status=draft")


@post(f"{PAGE}/waive", operation_id="waiveFeeByForm", status_code=HTTP_200_OK, opt=BILL, include_in_schema=False)
async def waive(request: Request, clinic_id: FromPath[int], invoice_id: FromPath[UUID]) -> Response[Any]:
    """Waive the fee for a missed or late-cancelled appointment."""
    check_clinic(clinic_id, invoice_id)
    reason = (await parse_form(request)).get("reason", "").strip()[:MAX_REASON_LENGTH]
    invoice = await service.get(request.db, invoice_id)
    if not reason:
        return await _page(request, invoice, faults={"reason": translate(language_for(request), "is missing")})
    try:
        await request.db.atomic(fees.waive_fee, request.user, invoice_id=invoice_id, reason=reason, now=clock.now())
    except errors.Conflict as refusal:
        return await _page(request, invoice, refusal=describe_refusal(request, refusal))
    return redirect(f"/staff/{clinic_id}/patients/{invoice.customer_id}")


@post(
    f"{PAGE}/pay-link", operation_id="createPayLinkByForm", status_code=HTTP_200_OK, opt=BILL, include_in_schema=False
)
async def create_pay_link(request: Request, clinic_id: FromPath[int], invoice_id: FromPath[UUID]) -> Response[Any]:
    """Show a link that lets anyone view the invoice and pay it by card."""
    check_clinic(clinic_id, invoice_id)
    try:
        invoice = await request.db.atomic(pay_links.create, request.user, invoice_id=invoice_id)
    except errors.Conflict as refusal:
        invoice = await service.get(request.db, invoice_id)
        return await _page(request, invoice, refusal=describe_refusal(request, refusal))
    number = await pay_links.get_number(request.db, invoice_id)
    return await _page(request, invoice, pay_link=request.services.get(Checkout).links.invoice_url(invoice_id, number))


@post(
    f"{PAGE}/pay-link/revoke",
    operation_id="revokePayLinkByForm",
    status_code=HTTP_200_OK,
    opt=BILL,
    include_in_schema=False,
)
async def revoke_pay_link(request: Request, clinic_id: FromPath[int], invoice_id: FromPath[UUID]) -> Response[Any]:
    """Make the invoice's payment link stop working."""
    check_clinic(clinic_id, invoice_id)
    await request.db.atomic(pay_links.revoke, request.user, invoice_id=invoice_id)
    return redirect(f"/staff/{clinic_id}/invoices/{invoice_id}?done=revoked")


@post(f"{PAGE}/send", operation_id="sendInvoiceByForm", status_code=HTTP_200_OK, opt=BILL, include_in_schema=False)
async def send(request: Request, clinic_id: FromPath[int], invoice_id: FromPath[UUID]) -> Response[Any]:
    """Send the document to the patient."""
    check_clinic(clinic_id, invoice_id)
    try:
        await request.db.atomic(invoice_emails.send, request.user, invoice_id=invoice_id, now=clock.now())
    except errors.Conflict as refusal:
        invoice = await service.get(request.db, invoice_id)
        return await _page(request, invoice, refusal=describe_refusal(request, refusal))
    return redirect(f"/staff/{clinic_id}/invoices/{invoice_id}?done=sent")


@post(
    f"{PAGE}/correct", operation_id="correctInvoiceByForm", status_code=HTTP_200_OK, opt=REFUND, include_in_schema=False
)
async def correct(request: Request, clinic_id: FromPath[int], invoice_id: FromPath[UUID]) -> Response[Any]:
    """Issue a credit note for the ticked lines."""
    check_clinic(clinic_id, invoice_id)
    form = await parse_form(request)
    invoice = await service.get(request.db, invoice_id)
    content = CreditNoteContent(
        reason=form.get("reason", "").strip()[:MAX_REASON_LENGTH] or None, lines=_ticked(invoice, form) or None
    )
    try:
        note = await request.db.atomic(
            corrections.correct,
            request.user,
            invoice_id=invoice_id,
            content=content,
            if_match=version_in(form),
            now=clock.now(),
        )
    except (errors.Conflict, errors.VersionMismatch) as refusal:
        current = await service.get(request.db, invoice_id)
        return await _page(request, current, refusal=describe_refusal(request, refusal))
    return redirect(f"/staff/{clinic_id}/invoices/{note.id}?done=corrected")


def _ticked(invoice: Invoice, form: Mapping[str, str]) -> list[LineContent]:
    return [line_content(line) for number, line in enumerate(invoice.lines) if f"lines.{number}" in form]


async def _page(
    request: Request,
    invoice: Invoice,
    *,
    editor: Editor | None = None,
    faults: Mapping[str, str] | None = None,
    refusal: str = "",
    pay_link: str = "",
) -> Response[Any]:
    clinic = await clinics.get(request.db, invoice.clinic_id)
    done = query_params(request).get("done", "")
    is_draft = invoice.status == "draft"
    breakdown = sum_up(
        [
            (Tax(line.tax_category, line.tax_rate, line.tax_reason), LineAmounts(line.net, line.tax, line.gross))
            for line in invoice.lines
        ]
    )
    patient = await customers.get_patient(request.db, invoice.clinic_id, invoice.customer_id)
    return await staff_page(
        request,
        "staff/money/draft.html" if is_draft else "staff/money/invoice.html",
        clinic_id=invoice.clinic_id,
        place="invoices",
        status_code=HTTP_409_CONFLICT if refusal else HTTP_400_BAD_REQUEST if faults else HTTP_200_OK,
        subjects=[invoice.id, invoice.customer_id],
        invoice=invoice,
        patient=patient,
        channel=invoice_emails.channel_for(patient, invoice),
        groups=breakdown.groups,
        money_of=partial(Money, currency=invoice.total.currency),
        percent_of=partial(format_tax_rate, language=language_tag_for(request, clinic.time_zone)),
        sums=breakdown.total,
        today=clock.local_date(clock.now(), clinic.time_zone),
        done=done if done in NOTICES else "",
        refusal=refusal,
        pay_link=pay_link,
        has_provider=request.services.get(Checkout).gateway is not None,
        faults=faults or {},
        corrected=await service.get(request.db, invoice.corrects_id) if invoice.corrects_id else None,
        allocations=[] if is_draft else await totals.list_invoice_allocations(request.db, invoice_id=invoice.id),
        **(await _editor_values(request, invoice, editor, clinic.time_zone) if is_draft else {}),
    )


async def _editor_values(request: Request, invoice: Invoice, editor: Editor | None, time_zone: str) -> dict[str, Any]:
    if editor is None:
        language = language_tag_for(request, time_zone)
        codes = await coupons.list_codes(request.db, invoice_id=invoice.id)
        typed = TypedInvoice(rows_of(invoice, codes, language), invoice.note or "", invoice.language)
        types = await appointment_types.list_types(request.db, invoice.clinic_id)
        editor = Editor(invoice, types, language, typed)
    return {
        "typed": editor.typed,
        "rows": [*editor.typed.rows, LineRow()],
        "types": editor.types,
        "policy": await policies.get_policy(request.db, invoice.clinic_id),
        "language_choices": list(language_names(request).items()),
    }


PAGES: Final = [show, change, issue, delete, waive, create_pay_link, revoke_pay_link, send, correct]
