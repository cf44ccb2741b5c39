"""A clinic's transfers as files for accounting programs."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from babel.numbers import get_currency_precision

from ...kit import clock
from ...kit.money import Money
from ...kit.spreadsheets import csv_file
from .model import Transfer

Format = Literal["csv", "beancount"]
COLUMNS: Final = (
    "createdAt", "rule", "debit", "credit", "currency", "amount", "stage", "customerId", "invoiceId", "paymentId",
    "refundId", "reference", "id",
)  # fmt: skip
BEANCOUNT_ACCOUNTS: Final = {
    "receivable": "Assets:Receivable",
    "cash": "Assets:Cash",
    "bank": "Assets:Bank",
    "gateway": "Assets:Gateway",
    "disputes": "Assets:Disputes",
    "deposits": "Liabilities:Deposits",
    "credit": "Liabilities:Credit",
    "tax": "Liabilities:Tax",
    "revenue": "Income:Revenue",
    "fees": "Income:Fees",
    "discounts": "Expenses:Discounts",
    "costs": "Expenses:Costs",
    "rounding": "Expenses:Rounding",
}
"""Our accounts, as a plain-text ledger names them."""
COUNTED_STAGES: Final = ("final", "posted")
"""Pending transfers don't count, and voided ones never will."""


class LedgerClinic(NamedTuple):
    """What files say about the clinic."""

    name: str
    time_zone: str
    language: str
    """The reader's language tag, which decides what separates columns."""


def to_csv(transfers: Sequence[Transfer], clinic: LedgerClinic) -> str:
    """Return transfers as CSV, with amounts in minor units."""
    rows = [
        (
            each.created_at.isoformat(), each.rule, each.debit, each.credit, each.amount.currency,
            each.amount.amount, each.stage, each.customer_id, each.invoice_id, each.payment_id, each.refund_id,
            each.reference, each.id,
        )
        for each in transfers
    ]  # fmt: skip
    return csv_file([COLUMNS, *rows], language=clinic.language, time_zone=clinic.time_zone)


def to_beancount(transfers: Sequence[Transfer], clinic: LedgerClinic) -> str:
    """Return a Beancount ledger of the transfers that count: one transaction each, on its day at the clinic. Metadata
    refers to invoices and payments by their ids."""
    relevant = [each for each in transfers if each.stage in COUNTED_STAGES]
    lines = [f'option "title" {_quote(clinic.name)}']
    lines += [f'option "operating_currency" "{each}"' for each in sorted({each.amount.currency for each in relevant})]
    if relevant:
        first_day = clock.local_date(min(each.created_at for each in relevant), clinic.time_zone)
        accounts = {BEANCOUNT_ACCOUNTS[name] for each in relevant for name in (each.debit, each.credit)}
        lines += ["", *(f"{first_day} open {account}" for account in sorted(accounts))]
    for each in relevant:
        amount, currency = _decimal(each.amount), each.amount.currency
        details = {"id": each.id, "invoice": each.invoice_id, "payment": each.payment_id, "refund": each.refund_id}
        lines += [
            "",
            f'{clock.local_date(each.created_at, clinic.time_zone)} * "{each.rule}"',
            *(f'  {name}: "{value}"' for name, value in details.items() if value),
            f"  {BEANCOUNT_ACCOUNTS[each.debit]}  {amount} {currency}",
            f"  {BEANCOUNT_ACCOUNTS[each.credit]}  -{amount} {currency}",
        ]
    return "\n".join(lines) + "\n"


def _decimal(money: Money) -> str:
    return f"{Decimal(money.amount).scaleb(-get_currency_precision(money.currency)):f}"


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


FORMATS: Final[Mapping[Format, Callable[[Sequence[Transfer], LedgerClinic], str]]] = {
    "csv": to_csv,
    "beancount": to_beancount,
}
