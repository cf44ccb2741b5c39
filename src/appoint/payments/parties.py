"""The seller and the buyer on invoices and receipts."""

from typing import Annotated

import msgspec


class BankAccount(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where to transfer the amount due."""

    holder: str
    iban: Annotated[str, msgspec.Meta(examples=["DE02120300000000202051"])]
    bic: str | None = None


class Party(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A copy of a customer's or clinic's name and address, as they were when the invoice was issued. Only sellers have
    `vatId` and the members after it."""

    name: str = ""
    address: str | None = None
    """The lines below the name on an envelope, separated by line breaks."""
    email: str | None = None
    phone: str | None = None
    vat_id: str | None = None
    tax_number: str | None = None
    """The national tax number, for sellers without a VAT ID."""
    registration: str | None = None
    """For example, the court and number in the commercial register, or the chamber of physicians."""
    website: str | None = None
    country: str | None = None
    """The country whose tax law applies, such as `DE`."""
    bank_account: BankAccount | None = None
