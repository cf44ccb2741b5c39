"""Rescheduling an appointment from its link."""

import re
from datetime import timedelta
from urllib.parse import unquote_plus

import pytest

from support.app import ADMIN
from support.patient_pages import START, at, book, fetch, path_of, require_notice
from support.world import create_customer, publish_slot


def starts(text: str) -> list[str]:
    return [unquote_plus(start) for start in re.findall(r'/move/confirm\?[^"]*start=([^"&]+)', text)]


def starts_in_alert(response) -> list[str]:
    """Return the times that a refusal offers."""
    alert = re.search(r'role="alert".*?</ul>', response.text, flags=re.DOTALL)
    assert alert, response.text
    return starts(alert[0])


async def test_the_page_offers_the_same_doctors_free_times(client, practice):
    appointment = await book(client, practice)
    await book(client, practice, 2, customerId=await create_customer(client))
    page = await client.get(path_of(appointment, f"/move?date={START.date()}"))
    times = starts(page.text)
    assert (at(1) in times, at(2) in times, at(0) in times) == (True, False, False)


async def test_the_page_opens_at_the_appointments_own_day_and_marks_it(db, client, practice):
    await publish_slot(db, practice["doctorId"], START - timedelta(days=1), START - timedelta(hours=20))
    appointment = await book(client, practice)
    page = await client.get(path_of(appointment, "/move"))
    assert (at(1) in starts(page.text), page.text.count('class="own"')) == (True, 1)


async def test_a_chosen_time_is_shown_next_to_the_old_one_before_anything_changes(client, practice):
    appointment = await book(client, practice)
    page = await client.get(
        path_of(appointment, "/move/confirm"), params={"start": at(3), "doctor": practice["doctorId"]}
    )
    times = re.findall(r'<time datetime="([^"]+)"', page.text)
    assert (page.status_code, times) == (200, [at(0), at(3)])
    assert f'name="start" value="{at(3)}"' in page.text
    assert (await fetch(client, appointment))["startTime"] == at(0)


async def test_a_confirmed_move_to_any_doctor_names_the_doctor(client, practice):
    appointment = await book(client, practice)
    await book(client, practice, 2, customerId=await create_customer(client))
    page = await client.get(path_of(appointment, "/move/confirm"), params={"start": at(2), "doctor": "any"})
    assert f'name="doctor" value="{practice["roy"]}"' in page.text
    assert "Dr Roy" in page.text


async def limit_roy_to_children(db, practice):
    await db.execute("update doctor set max_age = 17, version = version + 1 where id = $1", practice["roy"])


async def test_doctors_who_do_not_see_the_patient_are_not_offered(db, client, practice):
    await limit_roy_to_children(db, practice)
    appointment = await book(client, practice)
    await book(client, practice, 2, customerId=await create_customer(client))
    await db.execute("update customer set birth_date = '1980-05-17'")
    page = await client.get(path_of(appointment, f"/move?doctor=any&date={START.date()}"))
    assert ("Dr Roy" in page.text, at(1) in starts(page.text), at(2) in starts(page.text)) == (False, True, False)


async def test_the_paediatricians_patients_do_not_count_as_adults(db, client, practice):
    await db.execute("update doctor set max_age = 17, version = version + 1 where id = $1", practice["doctorId"])
    appointment = await book(client, practice)
    page = await client.get(path_of(appointment, "/move/confirm"), params={"start": at(3), "doctor": "any"})
    assert f'name="doctor" value="{practice["doctorId"]}"' in page.text


@pytest.mark.parametrize("start", ["", "x", "\ufffd", "9999-12-31T23:59:59Z"])
async def test_an_invalid_start_shows_the_times_instead_of_a_question(client, practice, start):
    page = await client.get(path_of(await book(client, practice), "/move/confirm"), params={"start": start})
    assert (page.status_code, '<ol class="month"' in page.text) == (200, True)


@pytest.mark.parametrize(
    "query",
    [
        "month=2026-13",
        "month=%00",
        "date=x",
        "doctor=x",
        f"doctor={'0' * 32}",
        "month=0001-01",
        "date=9999-12-31",
        "lang=xx",
    ],
)
async def test_an_invalid_query_still_shows_a_month(client, practice, query):
    page = await client.get(path_of(await book(client, practice), f"/move?{query}"))
    assert page.status_code == 200
    assert '<ol class="month"' in page.text


async def test_choosing_a_time_reschedules_and_records_who_did_it(db, client, practice):
    appointment = await book(client, practice)
    response = await client.post(path_of(appointment, "/move"), data={"start": at(3), "version": "1"})
    assert (response.status_code, response.headers["Location"]) == (303, path_of(appointment, "?moved=1"))
    assert (await fetch(client, appointment))["startTime"] == at(3)
    assert "Your appointment has been rescheduled." in (await client.get(response.headers["Location"])).text
    entries = await db.fetchval(
        "select count(*) from audit_unsealed where action = 'moveAppointmentByLink' and actor = $1",
        f"link:{appointment['id']}",
    )
    assert entries == 2
    assert appointment["manageToken"] not in await db.fetchval("select string_agg(a::text, '') from audit_unsealed a")


async def test_an_appointment_can_move_to_another_doctor_or_to_any_free_doctor(client, practice):
    appointment = await book(client, practice)
    await client.post(path_of(appointment, "/move"), data={"start": at(1), "doctor": practice["roy"]})
    assert (await fetch(client, appointment))["doctorId"] == practice["roy"]
    await book(client, {**practice, "doctorId": practice["roy"]}, 2, customerId=await create_customer(client))
    await client.post(path_of(appointment, "/move"), data={"start": at(2), "doctor": "any"})
    assert (await fetch(client, appointment))["doctorId"] == practice["doctorId"]


async def test_refusing_a_taken_time_offers_the_nearest_free_ones(client, practice):
    appointment = await book(client, practice)
    await book(client, practice, 2, customerId=await create_customer(client))
    response = await client.post(path_of(appointment, "/move"), data={"start": at(2), "version": "1"})
    nearest = starts_in_alert(response)
    assert (response.status_code, at(2.5) in nearest, at(2) in nearest) == (409, True, False)
    assert (await fetch(client, appointment))["startTime"] == at(0)


async def test_an_appointment_changed_by_someone_else_is_shown_again_before_it_moves(client, practice):
    appointment = await book(client, practice)
    await client.put(f"/api/appointments/{appointment['id']}", json={"startTime": at(1)}, headers=ADMIN)
    response = await client.post(path_of(appointment, "/move"), data={"start": at(2), "version": "1"})
    assert response.status_code == 412
    assert 'role="alert"' in response.text
    assert (await fetch(client, appointment))["startTime"] == at(1)


async def test_the_notice_period_also_applies_to_rescheduling(client, practice):
    appointment = await book(client, practice)
    await require_notice(client)
    response = await client.post(path_of(appointment, "/move"), data={"start": at(2)})
    assert response.status_code == 409
    assert 'role="alert"' in response.text
    assert "tel:+493012345678" in response.text


@pytest.mark.parametrize("start", ["", "x", "2027-01-01", "\ufffd", "9999-12-31T23:59:59Z"])
async def test_an_invalid_start_moves_nothing(client, practice, start):
    appointment = await book(client, practice)
    response = await client.post(path_of(appointment, "/move"), data={"start": start})
    assert response.status_code in (200, 409)
    assert (await fetch(client, appointment))["startTime"] == at(0)


async def test_at_a_clinic_without_types_an_appointment_moves_to_a_whole_slot(db, client, practice):
    await client.delete(f"/api/appointmentTypes/{practice['appointmentTypeId']}", headers=ADMIN)
    await db.execute("delete from booking_slot")
    for doctor, first, last in (
        ("doctorId", 0, 1),
        ("doctorId", 1, 2),
        ("doctorId", 2, 5),
        ("roy", 1, 2),
        ("roy", 2, 5),
    ):
        await publish_slot(db, practice[doctor], START + timedelta(hours=first), START + timedelta(hours=last))
    untyped = {**practice, "appointmentTypeId": None}
    appointment = await book(client, untyped, endTime=at(1))
    page = await client.get(path_of(appointment, f"/move?doctor=any&date={START.date()}"))
    assert starts(page.text) == [f"{at(1)} {at(2)}", f"{at(2)} {at(5)}"]
    other = await book(client, {**untyped, "customerId": await create_customer(client)}, 2, endTime=at(5))
    fields = {"start": f"{at(2)} {at(5)}", "version": "1"}
    refusal = await client.post(path_of(appointment, "/move"), data={**fields, "doctor": practice["doctorId"]})
    assert (refusal.status_code, starts_in_alert(refusal)) == (409, [f"{at(1)} {at(2)}"])
    response = await client.post(path_of(appointment, "/move"), data={**fields, "doctor": "any"})
    assert response.status_code == 303
    now = await fetch(client, appointment)
    assert (now["doctorId"], now["startTime"], now["endTime"]) == (practice["roy"], at(2), at(5))
    assert (await fetch(client, other))["doctorId"] == practice["doctorId"]


async def test_a_second_time_in_the_form_does_not_make_a_typed_appointment_longer(client, practice):
    appointment = await book(client, practice)
    response = await client.post(path_of(appointment, "/move"), data={"start": f"{at(1)} {at(5)}", "version": "1"})
    assert response.status_code == 303
    moved = await fetch(client, appointment)
    assert (moved["startTime"], moved["endTime"]) == (at(1), at(1.5))


async def test_a_link_cannot_move_an_appointment_to_a_time_between_the_offered_ones(client, practice):
    appointment = await book(client, practice)
    response = await client.post(path_of(appointment, "/move"), data={"start": at(1.05), "version": "1"})
    assert response.status_code == 409
    assert "The clinic does not offer appointments at exactly this time." in response.text
