"""What a submitted booking form asks for: one or several appointments, each for a certain person, all of which are
booked together or not at all.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from ...booking.coupons import book_with_coupon
from ...booking.model import Appointment
from ...booking.planning import BookingCommand, CustomerRequest, IdempotencyKey
from ...booking.request_context import booking_limits, hold_length, stranger_origin
from ...clinics.audience import PatientFacts, accepting
from ...customers import service as customers
from ...customers.model import CustomerContent
from ...http.cookies import FORM_KEY, knows_address
from ...http.idempotency.keys import idempotent
from ...kit import clock, errors
from ...kit.i18n import translate
from ..rendering import faults_by_field
from .booking_choice import BookingChoice, read_others
from .customer_form import read_customer
from .own_booking import caller_of
from .visit_price import VisitPrice, price_visit

SAME_PERSON = "same"
"""The choice in a further appointment that stands for the same person as in the first one."""
MAX_CODE_LENGTH: Final = 60
"""The maximum length of a coupon's code, as in the API."""


class Part(NamedTuple):
    """One of the appointments, and who it is for: a person that the visitor can book for, or someone new."""

    choice: BookingChoice
    person_id: UUID | None
    content: CustomerContent | None


def read_parts(
    choice: BookingChoice, typed: Mapping[str, str], people: Sequence[Any], *, needs_code: bool
) -> tuple[list[Part], dict[str, str]]:
    """Return the appointments, beginning with the form's own, and the faults keyed by field.

    The names of a further appointment's fields end in its number: `name1`. If the fields are empty, it is for the same
    person.
    """
    parts: list[Part] = []
    faults: dict[str, str] = {}
    for number, each in enumerate([choice, *read_others(choice.visit)]):
        suffix, details = str(number or ""), _details_of(typed, number)
        if number and _is_same_person(details):
            parts.append(Part(each, *parts[0][1:]))
            continue
        person_id, questions = _person_id(people, details), each.visit.questions(each.type, each.doctor)
        if people and questions.child and not (details["person"] or details["name"].strip()):
            faults["person" + suffix] = translate(each.visit.language, "Choose who the appointment is for.")
        try:
            content = (
                None if person_id else read_customer(each.visit, details, questions=questions, needs_code=needs_code)
            )
        except errors.Invalid as invalid:
            texts = faults_by_field(invalid, each.visit.language)
            own = {field + suffix if field in ("name", "birthDate") else field: text for field, text in texts.items()}
            faults |= own
            content = None
        parts.append(Part(each, person_id, content))
    return parts, faults


def person_to_select(choice: BookingChoice, people: Sequence[Any]) -> Any:
    """Return the person to select in the form: the signed-in patient, or the first person whose age is right for the
    appointment. For a child's appointment, return None unless one of them has a date of birth that fits.
    """
    visit, day = choice.visit, clock.local_date(choice.start, choice.visit.catalogue.time_zone)
    doctors, is_for_child = visit.doctors_for(choice.type), visit.questions(choice.type, choice.doctor).child
    for person in people:
        patient = PatientFacts(getattr(person, "birth_date", None))
        candidates = [choice.doctor] if choice.doctor else doctors
        fits = accepting(candidates, choice.type, patient, day, is_named=True)
        if fits and (patient.birth_date or not is_for_child):
            return person
    return None if is_for_child else next(iter(people), None)


async def price_form(choice: BookingChoice, typed: Mapping[str, str], people: Sequence[Any]) -> VisitPrice:
    """Return what the appointments in the form cost, with the coupon that has been typed."""
    choices = [choice, *read_others(choice.visit)]
    customer_ids: list[UUID | None] = []
    for number in range(len(choices)):
        details = _details_of(typed, number)
        is_same = number and _is_same_person(details)
        customer_ids.append(customer_ids[0] if is_same else _person_id(people, details))
    return await price_visit(choices, code=coupon_code(typed), customer_ids=customer_ids)


def coupon_code(typed: Mapping[str, str]) -> str:
    return typed.get("coupon", "").strip()[:MAX_CODE_LENGTH]


def _details_of(typed: Mapping[str, str], number: int) -> dict[str, str]:
    """Return what has been typed, with the details of the person that the appointment with this number is for."""
    suffix = str(number or "")
    return {**typed, **{name: typed.get(name + suffix, "") for name in ("person", "name", "birthDate")}}


def _is_same_person(details: Mapping[str, str]) -> bool:
    return details["person"] == SAME_PERSON or not (details["person"] or details["name"].strip())


def _person_id(people: Sequence[Any], details: Mapping[str, str]) -> UUID | None:
    """Return the id of the person named in the form (the booker, if no one is named), or None for a new customer."""
    person = details.get("person")
    for candidate in people:
        if person == str(candidate.id):
            return candidate.id
    return people[0].id if people and not person and not details.get("name") else None


async def book_parts(
    parts: Sequence[Part], typed: Mapping[str, str], *, booker_id: UUID | None
) -> Sequence[Appointment]:
    """Book all appointments or none, and return them in the form's order. Raise a `Conflict` with the index of the
    refused one."""
    choice = parts[0].choice
    request, clinic_id = choice.visit.request, choice.visit.catalogue.clinic_id
    is_proven = not request.user.is_stranger or all(
        part.content is not None and knows_address(request, part.content.email or part.content.phone or "", clock.now())
        for part in parts
    )
    requests: list[CustomerRequest] = []
    for part in parts:
        twin = next((number for number, each in enumerate(parts) if each[1:] == part[1:]), len(requests))
        customer_id = (
            requests[twin].customer_id
            if twin < len(requests)
            else part.person_id or await _register(part, typed, is_proven=is_proven)
        )
        time = part.choice.time_request(typed.get("note", "").strip() or None)
        time.known_patient = {"yes": True, "no": False}.get(typed.get("known", ""))
        requests.append(CustomerRequest(customer_id, time))
    if booker_id is None and any(each.customer_id != requests[0].customer_id for each in requests):
        booker_id = requests[0].customer_id
    command = BookingCommand(
        clinic_id,
        requests,
        request.user,
        hold_length(request),
        clock.now(),
        booker_id=booker_id,
        idempotency=_idempotency_key(parts, typed),
        limits=booking_limits(request, clinic_id),
        is_proven=is_proven,
        is_reachable=True,  # the form checks each address
        origin=stranger_origin(request, clinic_id),
    )
    result = await book_with_coupon(request, command, coupon_code(typed) or None)
    return result.booking.appointments


async def _register(part: Part, typed: Mapping[str, str], *, is_proven: bool) -> UUID:
    """Create a customer for each form, as the API does, so that visitors cannot find out whether there already is a
    customer with that address. If the visitor has confirmed the address before, use their existing record.
    """
    content, request = part.content, part.choice.visit.request
    assert content, "the customer is new"
    await request.services.limits.count(request, request.user, "registrations")
    await request.services.limits.count_recipients(request.user, (content.email, content.phone))
    register = customers.register_confirmed if is_proven and request.user.is_stranger else customers.register
    customer, _ = await idempotent(
        request,
        content,
        lambda tx: register(tx, request.user, content=content, now=clock.now()),
        remember=lambda customer: customer.id,
        recall=lambda tx, customer_id: customers.get(tx, UUID(customer_id)),
        key=_digest("customer", form_key(typed), content),
        db=request.services.db.across(),
    )
    return customer.id


def _idempotency_key(parts: Sequence[Part], typed: Mapping[str, str]) -> IdempotencyKey | None:
    """Return the same key for the same form, times and people, even if the note has changed."""
    own_key = form_key(typed)
    booked = [(part.person_id or part.content, part.choice.query) for part in parts]
    key = _digest("appointment", own_key, booked)
    return IdempotencyKey(caller_of(own_key), key, bytes.fromhex(key)) if key and own_key else None


def form_key(typed: Mapping[str, str]) -> str | None:
    return key if FORM_KEY.fullmatch(key := typed.get("key", "")) else None


def _digest(purpose: str, key: str | None, *values: Any) -> str | None:
    if key is None:
        return None
    return hashlib.sha256(msgspec.json.encode([purpose, key, *values], order="sorted")).hexdigest()
