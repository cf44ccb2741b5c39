"""Addresses of our payment and invoice pages."""

from typing import Final, NamedTuple
from uuid import UUID

from ...kit.signed_tokens import sign_id, verify_id
from ...settings import Settings

PURPOSE: Final = "payment"
INVOICE: Final = "invoice"


class PaymentLinks(NamedTuple):
    base_url: str
    secret: str

    @classmethod
    def of(cls, settings: Settings) -> "PaymentLinks":
        assert settings.secret_key, "created at startup"
        return cls(settings.links_url, settings.secret_key.get_secret_value())

    def return_url(self, payment_id: UUID) -> str:
        """Return the page that payers come back to. It doesn't open any appointment, because one payment may be for
        several people's appointments."""
        return f"{self.base_url}/paid/{sign_id(self.secret, PURPOSE, payment_id)}"

    def invoice_path(self, invoice_id: UUID, number: int) -> str:
        """Return the path of the page where anyone with the link can view and pay an invoice. Only the link with the
        current number works."""
        return f"/invoices/{sign_id(self.secret, INVOICE, invoice_id, number)}"

    def invoice_url(self, invoice_id: UUID, number: int) -> str:
        return self.base_url + self.invoice_path(invoice_id, number)

    def invoice_of(self, token: str) -> tuple[UUID, int] | None:
        """Return the invoice that a link leads to and the link's number, or None if the token is invalid."""
        return verify_id(self.secret, INVOICE, token)

    def payment_of(self, token: str) -> UUID | None:
        """Return the payment that a return page is about, or None if the token is invalid."""
        content = verify_id(self.secret, PURPOSE, token)
        return content[0] if content else None
