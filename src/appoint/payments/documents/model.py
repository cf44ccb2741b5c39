"""Documents: everything that an invoice, a credit note or a receipt says, frozen when it is issued.

The members follow article 226 of Directive 2006/112/EC, which lists what an invoice has to state: its date and number
(1, 2), VAT ids (3, 4), names and addresses (5), quantities and services (6), the date of supply (7), amounts, rates and
tax (8–10), and why something is exempt (11). A credit note names the invoice that it corrects (article 219).
"""

from datetime import date
from typing import Literal

import msgspec

from ..parties import BankAccount
from ..parties import Party as StoredParty
from ..tax import LineAmounts, Tax, TaxGroup

InvoiceKind = Literal["invoice", "creditNote"]
PaymentMethod = Literal["card", "cash", "transfer", "terminal", "credit", "goodwill", "creditNote"]


class DocumentPart(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A part of a document. Stored as JSON, without the members that have their default."""


class Party(DocumentPart, frozen=True, kw_only=True):
    """A seller or buyer as they were when the document was issued."""

    name: str
    address: tuple[str, ...] = ()
    """The lines below the name on an envelope, with the country last."""
    vat_id: str | None = None
    tax_number: str | None = None
    """The national tax number, for sellers without a VAT id."""
    registration: str | None = None
    """For example, the court and number in the commercial register, or the chamber of physicians."""
    email: str | None = None
    phone: str | None = None
    website: str | None = None
    country: str | None = None
    """The country whose tax law applies."""
    bank_account: BankAccount | None = None


def document_party(party: StoredParty) -> Party:
    """Return a stored party as documents show it. If its address is on a single line, commas separate its parts."""
    address = party.address or ""
    lines = address.splitlines() if "\n" in address else address.split(",")
    members = {name: getattr(party, name) for name in Party.__struct_fields__ if name != "address"}
    return Party(**members, address=tuple(line.strip() for line in lines if line.strip()))


class DocumentLine(DocumentPart, frozen=True, kw_only=True):
    """A line of an invoice. Unit amount and discount include tax if the document's prices do."""

    description: str
    details: str | None = None
    """A second line, such as the patient's and the doctor's names."""
    supplied_on: date | None = None
    quantity: int = 1
    unit_amount: int
    discount_amount: int = 0
    tax: Tax
    amounts: LineAmounts


class CorrectedInvoice(DocumentPart, frozen=True, kw_only=True):
    """The invoice that a credit note corrects."""

    number: str
    issued_on: date
    reason: str | None = None


class InvoiceDocument(DocumentPart, frozen=True, kw_only=True):
    """An issued invoice or credit note. Amounts are in minor units of the currency and never negative."""

    kind: InvoiceKind = "invoice"
    number: str
    issued_on: date
    due_on: date | None = None
    language: str
    """A tag such as `de-AT`, which also determines how dates and amounts are written."""
    currency: str
    seller: Party
    buyer: Party
    lines: tuple[DocumentLine, ...]
    groups: tuple[TaxGroup, ...]
    total: LineAmounts
    prices_include_tax: bool = True
    paid_amount: int = 0
    """What had been paid when the invoice was issued, such as a deposit."""
    payment_terms: str | None = None
    corrects: CorrectedInvoice | None = None
    note: str | None = None


class PaidInvoice(DocumentPart, frozen=True, kw_only=True):
    """An invoice that a payment paid for, completely or in part."""

    number: str
    issued_on: date
    amount: int


class Receipt(DocumentPart, frozen=True, kw_only=True):
    """A receipt for one payment, which can pay for several invoices."""

    number: str
    paid_on: date
    language: str
    currency: str
    seller: Party
    buyer: Party
    amount: int
    method: PaymentMethod
    invoices: tuple[PaidInvoice, ...] = ()
    note: str | None = None


Document = InvoiceDocument | Receipt
