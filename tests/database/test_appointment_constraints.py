"""The constraints that keep appointments, slots and customers consistent, by example."""

import pytest

from support.constraint_preparations import JOINED, PREPARATIONS, rejection
from support.constraint_rows import (
    ANA,
    BEN,
    BOOKED,
    BOOKING_SLOT,
    CANCELLED,
    CY,
    FOREIGN_ID,
    MISSING_ID,
    NEW_ID,
    OTHER_ID,
    SCHEDULE_LINE,
    SHAH,
    TIME_SLOT,
    appointment,
    booking_slot,
    day,
    id_of,
)


async def accepts(connection, statement: str) -> None:
    error = await rejection(connection, statement)
    assert error is None, error


async def rejects(connection, constraint: str, statement: str) -> None:
    error = await rejection(connection, statement)
    assert error
    assert error.constraint_name == constraint


async def test_a_doctors_live_appointments_cannot_overlap_but_cancelled_ones_can(rows):
    await rejects(rows, "doctor_free", appointment("09:29", "10:00", customer_id=BEN))
    await accepts(rows, appointment("09:30", "10:00", customer_id=BEN))
    await accepts(rows, appointment("10:00", "10:30", id=OTHER_ID))  # the time of Ben's cancelled appointment
    await rejects(rows, "doctor_free", f"update appointment set status = 'booked' where id = '{CANCELLED}'")
    await accepts(
        rows,
        f"update appointment set status = 'noshow' where id = '{OTHER_ID}';"
        f"update appointment set status = 'booked' where id = '{CANCELLED}'",
    )


async def test_buffers_block_other_appointments_even_outside_published_hours(rows):
    await accepts(rows, appointment("15:30", "16:00", claimed=day(1, "15:20", "16:20")))
    await rejects(rows, "doctor_free", appointment("15:00", "15:21", id=OTHER_ID, customer_id=BEN))


async def test_a_customer_cannot_see_two_doctors_at_once_unless_one_is_cancelled(rows):
    await accepts(rows, PREPARATIONS["customer_free"])
    await rejects(rows, "customer_free", appointment("09:00", "09:30", doctor_id=OTHER_ID))
    await accepts(
        rows,
        f"update appointment set status = 'cancelled' where id = '{BOOKED}';"
        + appointment("09:00", "09:30", doctor_id=OTHER_ID),
    )


async def test_staff_can_double_book_a_customer_but_not_a_doctor(rows):
    await accepts(rows, PREPARATIONS["customer_free"])
    overlap = {"overridden": "{customer-busy}", "override_reason": "Both want to see her"}
    await accepts(rows, appointment("09:00", "09:30", doctor_id=OTHER_ID, **overlap))
    await rejects(rows, "doctor_free", appointment("09:00", "09:30", id=MISSING_ID, **overlap))
    await rejects(
        rows,
        "customer_free",
        f"update appointment set overridden = '{{}}', override_reason = null where id = '{NEW_ID}'",
    )


async def test_a_customer_can_have_appointments_at_two_clinics_at_once(rows):
    there = {"clinic_id": 2, "id": id_of(2, 9), "doctor_id": FOREIGN_ID}
    await accepts(
        rows, f"insert into patient values (2, '{ANA}');" + booking_slot(**there, during=day(1, "08:00", "16:00"))
    )
    await accepts(rows, appointment("09:00", "09:30", **there, booking_id=id_of(2, 9)))


async def test_an_appointment_can_span_adjacent_slots_but_not_a_gap(rows):
    await accepts(
        rows,
        booking_slot(during=day(1, "16:00", "18:00"))
        + ";"
        + booking_slot(id=OTHER_ID, during=day(1, "18:05", "19:00")),
    )
    await accepts(rows, appointment("15:30", "16:30"))
    await rejects(rows, "within_hours", appointment("17:45", "18:15", id=OTHER_ID, customer_id=BEN))


@pytest.mark.parametrize(
    "withdrawal",
    [
        f"delete from booking_slot where id = '{BOOKING_SLOT}'",
        f"update booking_slot set removed_at = now() where id = '{BOOKING_SLOT}'",
        f"update booking_slot set during = '{day(1, '09:10', '16:00')}' where id = '{BOOKING_SLOT}'",
        f"update booking_slot set doctor_id = '{OTHER_ID}' where id = '{BOOKING_SLOT}'",
    ],
)
async def test_a_slot_with_a_live_appointment_cannot_be_withdrawn(rows, withdrawal):
    await rows.execute(f"insert into doctor (clinic_id, id, name) values (1, '{OTHER_ID}', 'Dr Okafor')")
    await rejects(rows, "within_hours", withdrawal)
    await accepts(rows, f"update appointment set status = 'cancelled' where id = '{BOOKED}'; {withdrawal}")


async def test_an_inactive_clinic_cannot_have_active_doctors_or_time_slots(rows):
    close = "update clinic set active = false, removed_at = now() where id = 1"
    await rejects(rows, "doctor_active_clinic", close)
    await rows.execute("update doctor set active = false, removed_at = now()")
    await rejects(rows, "time_slot_active_clinic", close)
    await rows.execute(
        "update doctor_slot set active = false, removed_at = now();"
        "update time_slot set active = false, removed_at = now()"
    )
    await accepts(rows, close)


async def test_a_time_slot_moves_only_together_with_its_schedule_lines(rows):
    move = f"update time_slot set minutes = '[480,720)' where id = '{TIME_SLOT}'"
    await rejects(rows, "doctor_slot_keeps_time", move)
    await accepts(rows, move + f"; update doctor_slot set minutes = '[480,720)' where id = '{SCHEDULE_LINE}'")


async def test_rows_with_a_history_cannot_be_deleted(rows):
    # PostgreSQL checks these two in the order of their triggers' names, which contain arbitrary numbers
    error = await rejection(rows, f"delete from customer where id = '{BEN}'")
    assert error
    assert error.constraint_name in ("appointment_customer", "patient_customer")
    await rejects(rows, "is_patient", f"delete from patient where customer_id = '{BEN}'")
    await rejects(rows, "offered_by", f"delete from doctor where id = '{SHAH}'")


async def test_a_person_cannot_have_two_appointments_at_once_under_joined_records(rows):
    ben_at_nine = appointment("09:00", "09:30", doctor_id=OTHER_ID, customer_id=BEN)
    await accepts(rows, PREPARATIONS["customer_free"])
    await rejects(rows, "person_free", f"{ben_at_nine}; {JOINED}")
    await accepts(rows, JOINED)
    await rejects(
        rows, "person_free", appointment("09:00", "09:30", doctor_id=OTHER_ID, customer_id=BEN, person_id=ANA)
    )
    await accepts(rows, appointment("09:30", "10:00", doctor_id=OTHER_ID, customer_id=BEN, person_id=ANA))


async def test_an_appointment_under_a_joined_record_always_counts_for_the_person(rows):
    await rejects(rows, "is_patient", f"{JOINED};" + appointment(customer_id=BEN))
    await rejects(rows, "is_patient", appointment(customer_id=BEN, person_id=ANA))
    await rejects(rows, "is_patient", f"update patient set main_id = '{ANA}', joined_at = now()")


async def test_a_joined_record_names_its_main_record_directly(rows):
    chain = f"insert into patient (clinic_id, customer_id, main_id, joined_at) values (1, '{CY}', '{BEN}', now())"
    await rejects(rows, "patient_main", chain)
    await rejects(rows, "patient_main", f"{JOINED}; {chain}")
    await accepts(rows, f"{JOINED}; {chain.replace(BEN, ANA)}")
