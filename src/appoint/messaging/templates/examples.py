"""Example data for messages."""

from datetime import UTC, date, datetime, time
from typing import Final
from uuid import UUID

import msgspec

from ...kit import clock
from ...kit.i18n import translatable, translate
from ...kit.money import Money
from ...payments.billing.model import Settlement
from .model import ListedAppointment, MessageFacts
from .money import MoneyFacts

PATIENT: Final = translatable("Ana Souza")
RELATIVE: Final = translatable("Ben Okafor")
DOCTOR: Final = translatable("Dr. Amara Shah")
OLD_DOCTOR: Final = translatable("Dr. Jonas Weber")
COLLEAGUE: Final = translatable("Mia Klein")
TYPE: Final = translatable("First consultation")
PREPARATION: Final = translatable("Your insurance card and a list of your medicines")
CANCEL_REASON: Final = translatable("The doctor is ill")
WEBHOOK: Final = translatable("Practice software")
EXAMPLE_START: Final = datetime(2027, 3, 1, 8, 30, tzinfo=UTC)
EXAMPLE_LOCAL_TIME: Final = time(9, 30)
EXAMPLE_ID: Final = UUID("00000001-0197-8cb1-8c0b-0be260bd516d")
EXAMPLE: Final = MessageFacts(
    clinic="Lakeside Clinic",
    time_zone="Europe/Berlin",
    clinic_phone="+493012345678",
    clinic_address="Seestraße 12, 13353 Berlin",
    customer=PATIENT,
    customer_time_zone="America/Sao_Paulo",
    doctor=DOCTOR,
    type=TYPE,
    preparation=PREPARATION,
    start_time=EXAMPLE_START,
    end_time=EXAMPLE_START.replace(hour=9, minute=0),
    old_start_time=EXAMPLE_START.replace(hour=13),
    old_doctor=OLD_DOCTOR,
    cancelled_by="clinic",
    cancel_reason=CANCEL_REASON,
    settlement=Settlement(
        EXAMPLE_ID,
        "cancellation",
        paid=Money(2500, "EUR"),
        kept=Money(0, "EUR"),
        returned=Money(2500, "EUR"),
        refund_to="method",
    ),
    hold_expires_at=EXAMPLE_START.replace(hour=7),
    appointments=(
        ListedAppointment(EXAMPLE_START, EXAMPLE_START.replace(hour=9, minute=0), PATIENT, DOCTOR, TYPE),
        ListedAppointment(EXAMPLE_START.replace(hour=10), EXAMPLE_START.replace(hour=11), RELATIVE, DOCTOR),
    ),
    webhook=WEBHOOK,
    user=COLLEAGUE,
    link="https://appoint.example/appointments/apm_AAAAAQGXgYwMIgIB-WYVCA.GJ3EGXa0tZ8ySSUf3PCLX9zVn4g",
    rebook_url="https://appoint.example/c/1",
    change_until=EXAMPLE_START.replace(day=28, month=2),
    code="314159",
    corrected_details=("email", "phone"),
    guardian=RELATIVE,
    guardian_until=date(2028, 3, 1),
    address_changed_at=EXAMPLE_START,
    money=MoneyFacts(
        number="2027-000123",
        amount=Money(8000, "EUR"),
        open=Money(6000, "EUR"),
        due_on=date(2027, 3, 15),
        method="card",
        invoices=("2027-000123",),
    ),
)
"""For previews, and for testing a clinic's template before it is saved."""
TRANSLATED_FACTS: Final = (
    "customer",
    "doctor",
    "old_doctor",
    "guardian",
    "user",
    "type",
    "preparation",
    "cancel_reason",
    "webhook",
)
"""The facts that depend on the message's language."""


def example_facts(language: str, time_zone: str) -> MessageFacts:
    """Return the example data in a message's language and with names that are common in it, for a patient who lives
    near the clinic. The first appointment is at 9:30 local time."""
    zone = clock.zone(time_zone)
    local_start = datetime.combine(EXAMPLE_START, EXAMPLE_LOCAL_TIME, zone)
    shift = local_start - EXAMPLE_START
    return msgspec.structs.replace(
        EXAMPLE,
        time_zone=time_zone,
        customer_time_zone=time_zone,
        **{
            name: instant + shift
            for name in ("start_time", "end_time", "old_start_time", "hold_expires_at", "change_until")
            if (instant := getattr(EXAMPLE, name))
        },
        **{name: translate(language, getattr(EXAMPLE, name)) for name in TRANSLATED_FACTS},
        appointments=tuple(
            msgspec.structs.replace(
                each,
                start_time=each.start_time + shift,
                end_time=each.end_time + shift,
                customer=translate(language, each.customer),
                doctor=translate(language, each.doctor),
                type=each.type and translate(language, each.type),
            )
            for each in EXAMPLE.appointments
        ),
    )
