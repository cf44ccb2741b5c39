"""The data for messages about invoices and payments."""

from collections.abc import Sequence
from datetime import date

import msgspec

from ...kit.money import Money
from ...payments.payments.model import Method


class MoneyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """An issued invoice or credit note, or a payment with a receipt."""

    number: str
    """The number of the invoice, credit note or receipt."""
    amount: Money
    open: Money | None = None
    """The amount left to pay, if any."""
    due_on: date | None = None
    method: Method | None = None
    invoices: Sequence[str] = ()
    """The numbers of the invoices that a payment pays or a credit note corrects."""
