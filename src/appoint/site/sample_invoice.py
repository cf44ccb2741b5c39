"""An invoice for the design page."""

from datetime import date
from typing import Final

from ..payments.documents.model import DocumentLine, InvoiceDocument, Party
from ..payments.parties import BankAccount
from ..payments.tax import NO_TAX_ON_CARE, Tax, TaxableLine, break_down

SERVICES: Final = (("First visit", NO_TAX_ON_CARE, 8000), ("Peeling", Tax("S", 1900), 11900))
"""Descriptions, taxes and prices."""


def sample_invoice() -> InvoiceDocument:
    breakdown = break_down([TaxableLine(price, tax) for _, tax, price in SERVICES], prices_include_tax=True)
    return InvoiceDocument(
        number="2027-000123",
        issued_on=date(2027, 3, 2),
        due_on=date(2027, 3, 16),
        language="en-IE",
        currency="EUR",
        seller=Party(
            name="Lakeside Clinic",
            address=("Seestraße 12", "13353 Berlin"),
            vat_id="DE136695976",
            country="DE",
            email="hello@lakeside.example",
            bank_account=BankAccount(holder="Lakeside Clinic", iban="DE02120300000000202051"),
        ),
        buyer=Party(name="Ana Souza", address=("Am Fichtenhain 7", "10115 Berlin")),
        lines=tuple(
            DocumentLine(
                description=description,
                details="Dr. Okafor",
                supplied_on=date(2027, 3, 1),
                unit_amount=price,
                tax=tax,
                amounts=amounts,
            )
            for (description, tax, price), amounts in zip(SERVICES, breakdown.lines, strict=True)
        ),
        groups=breakdown.groups,
        total=breakdown.total,
        paid_amount=2000,
    )
