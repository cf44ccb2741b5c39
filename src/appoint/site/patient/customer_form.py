"""A new customer's details, as typed into the booking form."""

from collections.abc import Mapping
from typing import Final

from ...customers.model import CustomerContent
from ...customers.names import name_fault
from ...http import decoding
from ...http.forms import parse_date
from ...kit import clock, errors, phones
from ...kit.i18n import one_line
from ...kit.regions import is_day_first
from ...kit.typed_text import iso_date
from .clinic_visit import ClinicVisit, Questions

DETAILS: Final = ("name", "email", "phone")


def read_customer(
    visit: ClinicVisit, typed: Mapping[str, str], *, questions: Questions, needs_code: bool
) -> CustomerContent:
    """Return a new customer's details. Raise `Invalid` with all faults. If the customer needs a code, one of their
    addresses must be able to receive it."""
    details = {field: one_line(typed.get(field)) for field in DETAILS}
    catalogue, phone = visit.catalogue, details["phone"]
    number = phones.to_e164(phone, time_zone=catalogue.time_zone, locale=catalogue.locale) if phone else None
    faults: list[errors.Fault] = []
    if name_error := name_fault(details["name"]):
        faults.append(name_error)
    if not (details["email"] or phone):
        faults.append(errors.Fault("#/email", "is required unless you enter a phone number"))
    if phone and number is None:
        faults.append(errors.Fault("#/phone", "is not a valid phone number; include the country code"))
    if number and not details["email"] and needs_code and not phones.is_mobile(number):
        faults.append(errors.Fault("#/phone", "can’t receive text messages; enter a mobile number or an email address"))
    birth_date = iso_date(one_line(typed.get("birthDate")), day_first=is_day_first(visit.tag))
    if questions.birth_date and not birth_date:
        faults.append(errors.Fault("#/birthDate", "is missing"))
    elif birth_date and (born := parse_date(birth_date)) and born > clock.now().date():
        faults.append(errors.Fault("#/birthDate", "must be a date in the past"))
        birth_date = ""
    zone = typed.get("zone")
    body = {
        "name": details["name"],
        "email": details["email"] or None,
        "phone": number,
        "locale": visit.language,
        "timeZone": zone if zone in clock.ZONES else None,
        "birthDate": birth_date or None,
    }
    try:
        content = decoding.convert(CustomerContent, body)
    except errors.Invalid as invalid:
        friendlier = {"#/email": errors.Fault("#/email", "must be an email address, such as ana@example.org")}
        faults += [friendlier.get(fault.pointer, fault) for fault in invalid.faults]
        raise errors.Invalid(*faults) from invalid
    if faults:
        raise errors.Invalid(*faults)
    return content
