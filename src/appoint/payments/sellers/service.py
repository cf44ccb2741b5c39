"""Clinics' details on invoices."""

import msgspec

from ... import audit
from ...clinics.clinics import service as clinics
from ...clinics.clinics.model import Clinic
from ...database.pool import Statements, Transaction
from ...kit import errors, phones
from ...kit.actors import Actor
from ...kit.i18n import translatable
from ..parties import BankAccount, Party
from . import repository
from .model import Seller


async def get(db: Statements, clinic_id: int) -> Seller:
    """Return a clinic's details on invoices. Raise `NotFound` for an unknown clinic."""
    await clinics.get(db, clinic_id)
    return await repository.find(db, clinic_id)


async def replace(tx: Transaction, actor: Actor, *, clinic_id: int, content: Seller) -> Seller:
    """Replace a clinic's details on invoices. Issued invoices stay as they are.

    Raise `NotFound`, or `Invalid` for a number with a wrong format or check digit.
    """
    await clinics.get(tx, clinic_id)
    await repository.save(tx, clinic_id, _validate(content))
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[clinic_id])
    return await repository.find(tx, clinic_id)


async def get_party(db: Statements, clinic: Clinic) -> Party:
    """Return what a clinic's next invoice says about it."""
    seller = await repository.find(db, clinic.id)
    name = seller.name or clinic.name
    return Party(
        name=name,
        address=seller.address or clinic.address,
        email=clinic.email,
        phone=clinic.phone,
        vat_id=seller.vat_id,
        tax_number=seller.tax_number,
        registration=seller.registration,
        website=clinic.profile.website,
        country=phones.country_of_zone(clinic.time_zone),
        bank_account=BankAccount(holder=seller.account_holder or name, iban=seller.iban, bic=seller.bic)
        if seller.iban
        else None,
    )


def _validate(content: Seller) -> Seller:
    """Return the content with its numbers in their standard form, or raise `Invalid` with all faults."""
    # imported here, because most processes never check such numbers
    from .numbers import parse_bic, parse_iban, parse_vat_id  # noqa: PLC0415

    vat_id, iban, bic = (
        parse(text) if text else None
        for parse, text in ((parse_vat_id, content.vat_id), (parse_iban, content.iban), (parse_bic, content.bic))
    )
    faults: list[errors.Fault] = []
    if content.vat_id and vat_id is None:
        faults.append(errors.Fault("#/vatId", translatable("is not a valid VAT ID: check its country code and digits")))
    if content.iban and iban is None:
        faults.append(errors.Fault("#/iban", translatable("is not a valid IBAN: check its digits")))
    if content.bic and bic is None:
        faults.append(errors.Fault("#/bic", translatable("is not a valid BIC")))
    if not content.iban and (content.bic or content.account_holder):
        faults.append(errors.Fault("#/iban", translatable("is required if you enter a BIC or an account holder")))
    if faults:
        raise errors.Invalid(*faults)
    return msgspec.structs.replace(content, vat_id=vat_id, iban=iban, bic=bic)
