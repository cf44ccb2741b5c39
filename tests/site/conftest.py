"""The clinics shared by the tests for public pages."""

from datetime import timedelta

import pytest

from support.booking_pages import DAY, HALF_PAST_NINE, NINE, TEN
from support.patient_pages import START
from support.world import create_appointment_type, create_clinic, create_customer, create_doctor, publish_slot


@pytest.fixture
async def lakeside(db, client) -> str:
    """A clinic with a slug, a doctor with two free hours, and an appointment type. Returns the type's id."""
    await create_clinic(client, slug="lakeside", address="Am See 1\n10115 Berlin", phone="+493012345678")
    shah = await create_doctor(client, specialty="Dermatology")
    type_id = await create_appointment_type(client, description="Once a year")
    await publish_slot(db, shah, DAY, DAY + timedelta(hours=2))
    return type_id


@pytest.fixture
async def village(db, client) -> dict[str, str]:
    """A clinic without appointment types. Dr Shah has short slots from nine and a long one from ten; Dr Roy has one at
    nine. Returns the doctors' ids."""
    await create_clinic(client, name="Village Clinic", slug="village", address="Am See 1\n10115 Berlin")
    shah, roy = await create_doctor(client, specialty="Dermatology"), await create_doctor(client, name="Dr Roy")
    for doctor_id, start, end in (
        (shah, NINE, HALF_PAST_NINE),
        (shah, HALF_PAST_NINE, TEN),
        (shah, TEN, TEN + timedelta(hours=3)),
        (roy, NINE, HALF_PAST_NINE),
    ):
        await publish_slot(db, doctor_id, start, end)
    return {"shah": shah, "roy": roy}


@pytest.fixture
async def practice(db, client) -> dict[str, str]:
    """A clinic in Berlin where Dr Shah and Dr Roy have published a day, and Ana, who has an email address."""
    await create_clinic(
        client,
        phone="+493012345678",
        address="Seestraße 12\n13353 Berlin",
        email="desk@lakeside.example",
        slug="lakeside",
    )
    shah, roy = await create_doctor(client), await create_doctor(client, name="Dr Roy")
    for doctor_id in (shah, roy):
        await publish_slot(db, doctor_id, START, START + timedelta(hours=6))
    ana = await create_customer(client, email="ana@example.org", phone="+4915112345678")
    return {"doctorId": shah, "customerId": ana, "appointmentTypeId": await create_appointment_type(client), "roy": roy}
