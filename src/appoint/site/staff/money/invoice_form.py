"""The form for a draft invoice: its lines as text, and the request that the text becomes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ....clinics.appointment_types.model import AppointmentType
from ....http import decoding
from ....kit import errors
from ....kit.i18n import translatable
from ....payments.invoices.model import MAX_LINES, Invoice, InvoiceLine, InvoicePatch
from ....payments.tax import MEDICAL_CARE, NOT_SUBJECT_TO_TAX, Tax
from .amounts import amount_fault, parse_amount, parse_percent, typed_amount, typed_percent

USUAL_TAX: Final = ""
"""The choice that leaves the tax to the clinic's payment rules."""


class LineRow(NamedTuple):
    """A line as text, with the names of the form's fields."""

    description: str = ""
    quantity: str = "1"
    unit_amount: str = ""
    discount_amount: str = ""
    coupon: str = ""
    tax: str = USUAL_TAX
    tax_rate: str = ""
    tax_reason: str = ""
    appointment_id: str = ""
    supplied_on: str = ""


class TypedInvoice(NamedTuple):
    """The form's content as text."""

    rows: list[LineRow]
    note: str
    language: str


FIELDS: Final = {
    "description": "description",
    "quantity": "quantity",
    "unit_amount": "unitAmount",
    "discount_amount": "discountAmount",
    "coupon": "coupon",
    "tax": "tax",
    "tax_rate": "taxRate",
    "tax_reason": "taxReason",
    "appointment_id": "appointmentId",
    "supplied_on": "suppliedOn",
}


def rows_of(invoice: Invoice, codes: Mapping[Any, str], language: str) -> list[LineRow]:
    """Return a draft's lines as text. `codes` has the codes of the coupons that they use."""
    return [_row(line, codes, invoice.total.currency, language) for line in invoice.lines]


def _row(line: InvoiceLine, codes: Mapping[Any, str], currency: str, language: str) -> LineRow:
    coupon = codes.get(line.coupon_use_id, "")
    return LineRow(
        description=line.description,
        quantity=str(line.quantity),
        unit_amount=typed_amount(line.unit_amount, currency, language),
        discount_amount=""
        if coupon or not line.discount_amount
        else typed_amount(line.discount_amount, currency, language),
        coupon=coupon,
        tax=line.tax_category,
        tax_rate=typed_percent(line.tax_rate, language) if line.tax_rate else "",
        tax_reason=line.tax_reason or "",
        appointment_id=str(line.appointment_id or ""),
        supplied_on=line.supplied_on.isoformat() if line.supplied_on else "",
    )


def read(form: Mapping[str, str], types: Sequence[AppointmentType], currency: str, language: str) -> TypedInvoice:
    """Return what was typed, without the lines that are empty or ticked for removal, and with one for the appointment
    type that was chosen."""
    rows = [row for row in _rows(form) if row.description]
    addition = next((type for type in types if str(type.id) == form.get("type")), None)
    if addition:
        price = addition.price if addition.price and addition.price.currency == currency else None
        rows.append(LineRow(addition.name, unit_amount=typed_amount(price.amount if price else 0, currency, language)))
    return TypedInvoice(rows[:MAX_LINES], form.get("note", "").strip(), form.get("language", ""))


def _rows(form: Mapping[str, str]) -> Iterator[LineRow]:
    for number in range(MAX_LINES + 1):
        if f"lines.{number}.description" not in form:
            return
        if f"lines.{number}.remove" not in form:
            yield LineRow(**{name: form.get(f"lines.{number}.{field}", "").strip() for name, field in FIELDS.items()})


def patch_of(typed: TypedInvoice, currency: str, language: str) -> InvoicePatch:
    """Return the change that saves what was typed. Raise `Invalid` with all faults."""
    faults: list[errors.Fault] = []
    lines = [_line(number, row, currency, language, faults) for number, row in enumerate(typed.rows)]
    if faults:
        raise errors.Invalid(*faults)
    return decoding.convert(InvoicePatch, {"language": typed.language, "note": typed.note or None, "lines": lines})


def _line(number: int, row: LineRow, currency: str, language: str, faults: list[errors.Fault]) -> dict[str, Any]:
    pointer = f"#/lines/{number}"

    def amount(name: str, text: str) -> int:
        value = parse_amount(text or "0", currency)
        if value is None:
            faults.append(amount_fault(f"{pointer}/{name}", currency, language))
        return value or 0

    if not row.quantity.isdecimal():
        faults.append(errors.Fault(f"{pointer}/quantity", translatable("must be a whole number")))
    line: dict[str, Any] = {
        "description": row.description,
        "quantity": int(row.quantity) if row.quantity.isdecimal() else 1,
        "unitAmount": amount("unitAmount", row.unit_amount),
        "discountAmount": amount("discountAmount", row.discount_amount),
        "coupon": row.coupon or None,
        "appointmentId": row.appointment_id or None,
        "suppliedOn": row.supplied_on or None,
    }
    tax = _tax(row)
    if tax and tax.rate < 0:
        faults.append(errors.Fault(f"{pointer}/taxRate", translatable("must be a percentage, such as 19")))
    elif tax:
        line |= {"taxCategory": tax.category, "taxRate": tax.rate, "taxReason": tax.reason}
    return line


def _tax(row: LineRow) -> Tax | None:
    """Return the chosen tax, or None for the usual one. If the text is not a percentage, the rate is negative."""
    match row.tax:
        case "S":
            rate = parse_percent(row.tax_rate)
            return Tax("S", -1 if rate is None else rate)
        case "Z":
            return Tax("Z", 0)
        case "E":
            return Tax("E", 0, row.tax_reason if row.tax_reason not in ("", NOT_SUBJECT_TO_TAX) else MEDICAL_CARE)
        case "O":
            return Tax("O", 0, row.tax_reason if row.tax_reason not in ("", MEDICAL_CARE) else NOT_SUBJECT_TO_TAX)
        case _:
            return None
