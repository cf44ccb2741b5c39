"""Addresses of our payment and invoice pages."""

from typing import Final, NamedTuple
from uuid import UUID

from ...kit.signed_tokens import sign_id, verify_id
from ...settings import Settings

PURPOSE: Final = "payment"
INVOICE: Final = "invoice"


class Links(NamedTuple):
    base_url: str
    secret: str

    @classmethod
    def of(cls, settings: Settings) -> "Links":
        assert settings.secret_key, "created at startup"
        return cls(settings.links_url, settings.secret_key.get_secret_value())

    def return_url(self, payment_id: UUID) -> str:
        """Return the page that payers come back to. It doesn't open any appointment, because one payment may be for
        several people's appointments."""
        return f"{self.base_url}/paid/{sign_id(self.secret, PURPOSE, payment_id)}"

    def invoice_path(self, invoice_id: UUID) -> str:
        """Return the path of the page where anyone with the link can view and pay an invoice."""
        return f"/invoices/{sign_id(self.secret, INVOICE, invoice_id)}"

    def invoice_url(self, invoice_id: UUID) -> str:
        return self.base_url + self.invoice_path(invoice_id)

    def invoice_of(self, token: str) -> UUID | None:
        """Return the invoice that a link leads to, or None if the token is invalid."""
        content = verify_id(self.secret, INVOICE, token)
        return content[0] if content else None

    def payment_of(self, token: str) -> UUID | None:
        """Return the payment that a return page is about, or None if the token is invalid."""
        content = verify_id(self.secret, PURPOSE, token)
        return content[0] if content else None
