"""Which patients doctors see. At this clinic, a paediatrician and a doctor who sees everyone are free all day on
Monday."""

from datetime import date

import pytest

from appoint.booking.model import Appointment
from appoint.clinics.audience import PatientFacts, accepting, age_on
from appoint.clinics.catalogue.model import CatalogueDoctor
from appoint.kit.cache import ClinicCache
from support.availability import AvailabilityWorld
from support.world import PATIENT, RECEPTION, at

CHILD, ADULT = date(2020, 3, 2), date(1980, 5, 17)


class AudienceWorld(AvailabilityWorld):
    async def limit(self, doctor, **columns):
        for name, value in columns.items():
            await self.db.execute(f"update doctor set {name} = $2, version = version + 1 where id = $1", doctor, value)
        await self.cache.drop(self.clinic)

    async def add_person(self, birth_date):
        return await self.db.fetchval(
            "insert into customer (name, birth_date) values ('Someone', $1) returning id", birth_date
        )

    async def offered_doctors(self, **criteria):
        result = await self.availability(minutes=30, **criteria)
        return {slot["doctorId"] for slot in result["days"][0]["slots"]}


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        world = await AudienceWorld.make(db, cache)
        world.dr_kim = await world.add_doctor("Dr Kim, paediatrician")
        await world.publish(world.dr_kim, at(8), at(16))
        await world.limit(world.dr_kim, max_age=17)
        yield world


@pytest.mark.parametrize("birth_date", [ADULT, None])
async def test_any_available_doctor_is_never_the_paediatrician_for_an_adult(world, birth_date):
    patient = await world.add_person(birth_date)
    assert await world.offered_doctors(birth_date=birth_date) == {str(world.dr_shah)}
    for hour in (8, 9, 10, 11, 12, 13):
        appointment = await world.book(None, at(hour), patient, caller=PATIENT)
        assert isinstance(appointment, Appointment)
        assert appointment.doctor_id == world.dr_shah


async def test_any_available_doctor_can_be_the_paediatrician_for_a_child(world):
    patient = await world.add_person(CHILD)
    assert await world.offered_doctors(birth_date=CHILD) == {str(world.dr_shah), str(world.dr_kim)}
    await world.book(world.dr_shah, at(9), await world.add_person(ADULT))
    assert (await world.book(None, at(9), patient, caller=PATIENT)).doctor_id == world.dr_kim


async def test_the_paediatrician_is_not_offered_to_an_adult_who_names_them(world):
    assert await world.offered_doctors(birth_date=ADULT, doctor_id=world.dr_kim) == set()
    refusal = await world.book(world.dr_kim, at(9), await world.add_person(ADULT), caller=PATIENT)
    assert refusal.type == "age-not-accepted"
    assert {each.doctor_id for each in refusal.facts["alternatives"]} == {world.dr_shah}


async def test_a_named_doctor_is_bookable_while_the_birth_date_is_unknown(world):
    assert await world.offered_doctors(doctor_id=world.dr_kim) == {str(world.dr_kim)}
    assert (await world.book(world.dr_kim, at(9), world.ana, caller=PATIENT)).doctor_id == world.dr_kim


async def test_the_paediatrician_is_not_offered_to_an_adult_even_if_all_other_doctors_are_taken(world):
    await world.book(world.dr_shah, at(9), world.ben)
    refusal = await world.book(None, at(9), await world.add_person(ADULT), caller=PATIENT)
    assert refusal.type == "taken"
    assert world.dr_kim not in {each.doctor_id for each in refusal.facts["alternatives"]}


async def test_the_age_on_the_day_of_the_appointment_counts(world):
    eighteen_that_day, eighteen_the_day_after = date(2009, 3, 1), date(2009, 3, 2)
    assert await world.offered_doctors(birth_date=eighteen_that_day) == {str(world.dr_shah)}
    assert str(world.dr_kim) in await world.offered_doctors(birth_date=eighteen_the_day_after)


async def test_staff_can_book_an_adult_with_the_paediatrician_but_any_doctor_means_another_one(world):
    adult = await world.add_person(ADULT)
    assert (await world.book(None, at(9), adult, caller=RECEPTION)).doctor_id == world.dr_shah
    assert (await world.book(world.dr_kim, at(11), adult, caller=RECEPTION)).doctor_id == world.dr_kim


async def test_a_doctor_for_known_patients_is_not_for_new_ones(world):
    await world.limit(world.dr_kim, max_age=None, patients="known")
    assert str(world.dr_kim) not in await world.offered_doctors(known_patient=False)
    refusal = await world.book(world.dr_kim, at(9), world.ana, caller=PATIENT, known_patient=False)
    assert refusal.type == "patient-not-accepted"
    assert str(world.dr_kim) in await world.offered_doctors(known_patient=True)
    assert isinstance(await world.book(world.dr_kim, at(9), world.ana, caller=PATIENT, known_patient=True), Appointment)


async def test_a_patient_with_a_record_counts_as_known_whatever_the_request_says(world):
    await world.limit(world.dr_kim, max_age=None, patients="new")
    await world.db.execute("insert into patient (clinic_id, customer_id) values ($1, $2)", world.clinic, world.ana)
    refusal = await world.book(world.dr_kim, at(9), world.ana, caller=PATIENT, known_patient=False)
    assert refusal.type == "patient-not-accepted"


async def test_a_type_for_an_age_group_is_refused_for_others(world):
    type_id = await world.add_type(30)
    await world.db.execute("update appointment_type set min_age = 35 where id = $1", type_id)
    await world.cache.drop(world.clinic)
    for birth_date, doctors in ((CHILD, 0), (ADULT, 1)):
        result = await world.availability(appointment_type_id=type_id, birth_date=birth_date)
        assert len({slot["doctorId"] for slot in result["days"][0]["slots"]}) == doctors
    refusal = await world.book(None, at(9), await world.add_person(CHILD), caller=PATIENT, appointment_type_id=type_id)
    assert refusal.type == "age-not-accepted"


@pytest.mark.parametrize(
    ("birth_date", "day", "age"),
    [
        (date(2008, 2, 29), date(2027, 2, 28), 18),
        (date(2008, 2, 29), date(2027, 3, 1), 19),
        (date(2009, 3, 1), date(2027, 3, 1), 18),
        (date(2027, 1, 1), date(2027, 3, 1), 0),
    ],
)
def test_ages_are_whole_years(birth_date, day, age):
    assert age_on(birth_date, day) == age


def test_a_clinic_with_only_selective_doctors_still_offers_them_to_strangers():
    doctor = CatalogueDoctor(None, 1, "Dr Kim", None, True, None, max_age=17)
    assert accepting([doctor], None, PatientFacts(), date(2027, 3, 1), is_named=False) == [doctor]
