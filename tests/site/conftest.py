"""The clinics that the tests of the public pages share."""

from datetime import timedelta

import pytest

from support.booking_pages import DAY, HALF_PAST_NINE, NINE, TEN
from support.patient_pages import START
from support.rows import appointment_type, clinic, customer, doctor, publish


@pytest.fixture
async def lakeside(db, client) -> str:
    """A clinic with a slug, a doctor with two free hours, and an appointment type, whose id is returned."""
    await clinic(client, slug="lakeside", address="Am See 1\n10115 Berlin", phone="+493012345678")
    shah = await doctor(client, specialty="Dermatology")
    type_id = await appointment_type(client, description="Once a year")
    await publish(db, shah, DAY, DAY + timedelta(hours=2))
    return type_id


@pytest.fixture
async def village(db, client) -> dict[str, str]:
    """A clinic without appointment types. Dr Shah has short slots from nine and a long one from ten, Dr Roy has one
    at nine. Returns the doctors' ids."""
    await clinic(client, name="Village Clinic", slug="village", address="Am See 1\n10115 Berlin")
    shah, roy = await doctor(client, specialty="Dermatology"), await doctor(client, name="Dr Roy")
    for doctor_id, start, end in (
        (shah, NINE, HALF_PAST_NINE),
        (shah, HALF_PAST_NINE, TEN),
        (shah, TEN, TEN + timedelta(hours=3)),
        (roy, NINE, HALF_PAST_NINE),
    ):
        await publish(db, doctor_id, start, end)
    return {"shah": shah, "roy": roy}


@pytest.fixture
async def practice(db, client) -> dict[str, str]:
    """A clinic in Berlin where Dr Shah and Dr Roy have published a day, and Ana, who has an e-mail address."""
    await clinic(
        client,
        phone="+493012345678",
        address="Seestraße 12\n13353 Berlin",
        email="desk@lakeside.example",
        slug="lakeside",
    )
    shah, roy = await doctor(client), await doctor(client, name="Dr Roy")
    for doctor_id in (shah, roy):
        await publish(db, doctor_id, START, START + timedelta(hours=6))
    ana = await customer(client, email="ana@example.org", phone="+4915112345678")
    return {"doctorId": shah, "customerId": ana, "appointmentTypeId": await appointment_type(client), "roy": roy}
