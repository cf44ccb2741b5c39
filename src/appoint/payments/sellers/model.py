"""A clinic's details on invoices."""

from typing import Annotated

from msgspec import Meta

from ...kit import fields
from ...kit.structs import RequestBody

VatId = Annotated[str, Meta(max_length=30, examples=["DE136695976"])]
TaxNumber = Annotated[str, Meta(pattern=r"\S", max_length=50, examples=["29/815/08155"])]
Registration = Annotated[str, Meta(pattern=r"\S", max_length=200, examples=["Amtsgericht Berlin HRB 12345"])]
Iban = Annotated[str, Meta(max_length=50, examples=["DE02 1203 0000 0000 2020 51"])]
Bic = Annotated[str, Meta(max_length=20, examples=["BYLADEM1001"])]


class Seller(RequestBody):
    """What invoices and receipts say about the clinic that issues them. Without a name or an address here, the clinic's
    own is used. Its email address, phone number and website are always used."""

    name: fields.Name | None = None
    """The legal name, if it differs from the clinic's name."""
    address: fields.PostalAddress | None = None
    """The postal address, if it differs from the clinic's address."""
    vat_id: VatId | None = None
    """Includes the country code. Its format and check digits must be right; spaces, dots and hyphens are removed."""
    tax_number: TaxNumber | None = None
    """The national tax number, for clinics without a VAT ID."""
    registration: Registration | None = None
    """For example, the court and number in the commercial register, or the chamber of physicians."""
    account_holder: fields.Name | None = None
    """The name of the account holder, if it differs from the name on invoices."""
    iban: Iban | None = None
    """The account that patients transfer money to. Spaces are removed."""
    bic: Bic | None = None
