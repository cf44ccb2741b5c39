"""An invoice, a credit note and a receipt to render in tests."""

from datetime import date
from typing import Any

from appoint.payments.documents.model import (
    BankAccount,
    CorrectedInvoice,
    DocumentLine,
    InvoiceDocument,
    PaidInvoice,
    Party,
    Receipt,
)
from appoint.payments.tax import NO_TAX_ON_CARE, Tax, TaxableLine, break_down

SELLER = Party(
    name="Praxis am See",
    address=("Seestraße 12", "13353 Berlin", "Deutschland"),
    vat_id="DE123456789",
    registration="Ärztekammer Berlin",
    email="praxis@example.org",
    phone="+49 30 12345678",
    website="https://praxis.example.org",
    bank_account=BankAccount(holder="Praxis am See", iban="DE02 1203 0000 0000 2020 51", bic="BYLADEM1001"),
)
BUYER = Party(name="Ana Souza", address=("Am Fichtenhain 7", "10115 Berlin", "Deutschland"))
CARE, COSMETIC = NO_TAX_ON_CARE, Tax("S", 1900)
ServiceRow = tuple[str, int, Tax]
SERVICES: list[ServiceRow] = [("Erstgespräch", 8000, CARE), ("Ultraschall", 4550, CARE), ("Peeling", 11900, COSMETIC)]


def invoice(*services: ServiceRow, **changes: Any) -> InvoiceDocument:
    """Return an invoice for the services, each of a description, a price and a tax, with other members changed."""
    rows = services or tuple(SERVICES)
    gross_prices = changes.get("prices_include_tax", True)
    breakdown = break_down([TaxableLine(price, tax) for _, price, tax in rows], prices_include_tax=gross_prices)
    lines = tuple(
        DocumentLine(
            description=name,
            details="Ana Souza, Dr. Luis Prado",
            supplied_on=date(2027, 3, 1),
            unit_amount=price,
            tax=tax,
            amounts=amounts,
        )
        for (name, price, tax), amounts in zip(rows, breakdown.lines, strict=True)
    )
    members: dict[str, Any] = {
        "number": "2027-000123",
        "issued_on": date(2027, 3, 2),
        "due_on": date(2027, 3, 16),
        "language": "de-DE",
        "currency": "EUR",
        "seller": SELLER,
        "buyer": BUYER,
        "lines": lines,
        "groups": breakdown.groups,
        "total": breakdown.total,
    }
    return InvoiceDocument(**(members | changes))


def credit_note(**changes: Any) -> InvoiceDocument:
    """Return a credit note for one of the invoice's services."""
    corrects = CorrectedInvoice(
        number="2027-000123", issued_on=date(2027, 3, 2), reason="Das Peeling fand nicht statt."
    )
    members: dict[str, Any] = {"kind": "creditNote", "number": "G-2027-000004", "corrects": corrects, "due_on": None}
    return invoice(SERVICES[2], **(members | changes))


def receipt(**changes: Any) -> Receipt:
    """Return a receipt for a payment that pays for two invoices."""
    members: dict[str, Any] = {
        "number": "Q-2027-000042",
        "paid_on": date(2027, 3, 10),
        "language": "de-DE",
        "currency": "EUR",
        "seller": SELLER,
        "buyer": BUYER,
        "amount": 20000,
        "method": "card",
        "invoices": (
            PaidInvoice(number="2027-000123", issued_on=date(2027, 3, 2), amount=15000),
            PaidInvoice(number="2027-000124", issued_on=date(2027, 3, 3), amount=5000),
        ),
    }
    return Receipt(**(members | changes))
