"""Check and normalise people's details."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

import msgspec

from ..clinics.clinics.model import Clinic
from ..kit import clock, errors, phones
from ..kit.actors import Actor
from .model import Customer, CustomerContent
from .names import name_fault

EARLIEST_ZONE: Final = "Pacific/Kiritimati"
"""The zone where each day begins first. A customer without a zone may have been born there today."""


def check_name(actor: Actor, name: str) -> None:
    """Raise `Invalid` if a caller who does not act for a clinic chose a name that must not appear in messages."""
    if not (actor.administrator or actor.memberships) and (fault := name_fault(name)):
        raise errors.Invalid(fault)


def normalise(
    content: CustomerContent, *, stored_phone: str | None, now: datetime, clinic: Clinic | None = None
) -> CustomerContent:
    """Return the content with its phone number in E.164 format. Leave a stored number unchanged.

    A number without a country code is in the customer's country or, if a clinic enters it, in the clinic's. Raise
    `Invalid` for an invalid number, and for a future date of birth.
    """
    faults: list[errors.Fault] = []
    phone = content.phone
    time_zone = content.time_zone or (clinic and clinic.time_zone)
    if phone and phone != stored_phone:
        locale = content.locale if clinic is None else clinic.locale
        phone = phones.to_e164(phone, time_zone=time_zone, locale=locale)
        if phone is None:
            faults.append(errors.Fault("#/phone", phones.INVALID_PHONE_NUMBER))
    if content.birth_date and content.birth_date > clock.local_date(now, time_zone or EARLIEST_ZONE):
        faults.append(errors.Fault("#/birthDate", "must not be in the future"))
    if faults:
        raise errors.Invalid(*faults)
    return msgspec.structs.replace(content, phone=phone)


def new_addresses(customer: Customer, content: CustomerContent) -> Mapping[Literal["email", "sms"], str]:
    """Return the addresses in the content that are not the customer's yet, by the channel that reaches them. Email
    addresses that differ only in case are the same."""
    addresses: dict[Literal["email", "sms"], str] = {}
    if content.email and content.email.lower() != (customer.email or "").lower():
        addresses["email"] = content.email
    if content.phone and content.phone != customer.phone:
        addresses["sms"] = content.phone
    return addresses


def lost_addresses(customer: Customer, content: CustomerContent) -> Mapping[Literal["email", "sms"], str]:
    """Return the customer's addresses that are not in the content, by the channel that reaches them."""
    addresses: dict[Literal["email", "sms"], str] = {}
    if customer.email and customer.email.lower() != (content.email or "").lower():
        addresses["email"] = customer.email
    if customer.phone and customer.phone != content.phone:
        addresses["sms"] = customer.phone
    return addresses
