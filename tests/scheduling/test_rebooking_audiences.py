"""Suggestions for appointments that cannot keep their time take into account which patients each doctor sees."""

from datetime import date, timedelta

import pytest

from appoint.scheduling.absences.rebooking import load_rebooking_list
from support.app import ADMIN
from support.world import create_clinic, create_customer, create_doctor, hours_ahead, publish_slot

START = (hours_ahead(0) + timedelta(days=3)).replace(hour=9, minute=0, second=0, microsecond=0)
ADULT, CHILD = date(1980, 5, 17), date(2020, 3, 2)


async def add_doctor(client, db, name, **members):
    doctor = await create_doctor(client, name=name, **members)
    await publish_slot(db, doctor, START, START + timedelta(hours=8))
    return doctor


@pytest.fixture
async def doctors(client, db):
    """A general practitioner, a paediatrician, and a doctor who sees everyone, all free on the same day."""
    await create_clinic(client)
    return {
        "gp": await add_doctor(client, db, "Dr Shah", minAge=16),
        "paediatrician": await add_doctor(client, db, "Dr Kim", maxAge=17),
        "everyone": await add_doctor(client, db, "Dr Roy"),
    }


async def suggested(client, db, doctor, birth_date):
    """Return the doctors whom the list suggests, and the colleagues who could take over the appointment."""
    when = {"startTime": START.isoformat(), "endTime": (START + timedelta(minutes=30)).isoformat()}
    members = {"birthDate": birth_date.isoformat()} if birth_date else {}
    customer = await create_customer(client, **members)
    booking = {"customerId": customer, "doctorId": doctor, **when}
    assert (await client.post("/api/appointments", json=booking, headers=ADMIN)).status_code == 201
    await db.execute("update appointment set needs_rebooking = true")
    rebooking = await load_rebooking_list(db, 1, doctor_id=None, now=hours_ahead(0))
    (appointment,) = rebooking.appointments
    return (
        {str(offer.doctor_id) for offer in appointment.suggestions},
        {str(colleague.doctor_id) for colleague in rebooking.colleagues},
    )


async def test_an_adult_is_not_handed_over_to_the_paediatrician(client, db, doctors):
    suggestions, colleagues = await suggested(client, db, doctors["gp"], ADULT)
    assert suggestions == {doctors["gp"], doctors["everyone"]}
    assert colleagues == {doctors["everyone"]}


async def test_a_child_can_be_handed_over_to_the_paediatrician(client, db, doctors):
    _, colleagues = await suggested(client, db, doctors["everyone"], CHILD)
    assert colleagues == {doctors["paediatrician"]}


async def test_someone_without_a_birth_date_counts_as_an_adult(client, db, doctors):
    suggestions, colleagues = await suggested(client, db, doctors["everyone"], None)
    assert suggestions == {doctors["gp"], doctors["everyone"]}
    assert colleagues == {doctors["gp"]}


async def test_the_paediatricians_own_patients_do_not_count_as_adults(client, db, doctors):
    partner = await add_doctor(client, db, "Dr Lee", maxAge=17)
    _, colleagues = await suggested(client, db, doctors["paediatrician"], None)
    assert partner in colleagues


async def test_the_current_doctor_keeps_a_patient_whom_they_would_no_longer_see(client, db, doctors):
    suggestions, _ = await suggested(client, db, doctors["paediatrician"], ADULT)
    assert doctors["paediatrician"] in suggestions
