"""Booking whole slots on the public pages, at a clinic without appointment types."""

import asyncio
import re
from datetime import datetime, timedelta

import pytest

from support.booking_pages import (
    HALF_PAST_NINE,
    NINE,
    TEN,
    alternative_slots,
    form_of,
    open_slot_form,
    send,
    sign_in_as_ana,
    slot_query,
    slots,
    utc,
)
from support.world import create_customer

ONE = TEN + timedelta(hours=3)
NINE_SLOT, HALF_PAST_NINE_SLOT = (utc(NINE), utc(HALF_PAST_NINE)), (utc(HALF_PAST_NINE), utc(TEN))
LONG_SLOT = (utc(TEN), utc(ONE))


async def appointments(db) -> list[tuple[str, datetime, datetime, str | None]]:
    rows = await db.fetch(
        """
        select doctor_id::text, lower(during), upper(during), appointment_type_id
          from appointment where active_during is not null order by created_at
        """
    )
    return [tuple(row) for row in rows]


async def test_all_doctors_slots_are_listed_once_per_time_or_for_one_doctor(client, village):
    shah, roy = village["shah"], village["roy"]
    page = await client.get("/c/village/times")
    # Dr Shah has more free slots than Dr Roy, so the one they both have goes to Dr Shah
    assert slots(page) == [(*NINE_SLOT, shah), (*HALF_PAST_NINE_SLOT, shah), (*LONG_SLOT, shah)]
    # the day is in the month and in the strip of days
    assert re.findall(r'(?s)aria-current="date">.*?(\d+) times available</span>', page.text) == ["3", "3"]
    assert slots(await client.get("/c/village/times", params={"doctor": roy})) == [(*NINE_SLOT, roy)]


async def test_a_whole_slot_is_booked_with_its_doctor(client, db, village):
    response = await send(client, await open_slot_form(client, village["shah"], TEN, ONE), note="By wheelchair")
    assert response.status_code == 303
    assert re.match(r"/appointments/apm_", response.headers["Location"])
    assert await appointments(db) == [(village["shah"], TEN, ONE, None)]
    page = await client.get(response.headers["Location"])
    calendar = await client.get(response.headers["Location"].replace("?new=1", "/calendar.ics"))
    assert page.status_code == 200
    assert "Dr Shah" in page.text
    assert "SUMMARY:Dr Shah\\, Village Clinic" in calendar.text


async def test_a_slot_is_booked_on_an_embedded_page(client, db, village):
    sent = await send(client, await open_slot_form(client, village["roy"], base="/embed/village", lang="de"))
    response = await client.get(sent.headers["Location"])
    assert response.status_code == 200
    assert "Ihr Termin ist gebucht." in response.text
    assert "Dr Roy" in response.text
    assert await appointments(db) == [(village["roy"], NINE, HALF_PAST_NINE, None)]


async def test_a_slot_form_sent_twice_at_once_books_once(client, db, village):
    form = await open_slot_form(client, village["shah"])
    first, second = await asyncio.gather(send(client, form), send(client, form))
    assert first.headers["Location"] == second.headers["Location"]
    assert len(await appointments(db)) == 1


async def test_refusing_a_taken_slot_offers_the_nearest_others_and_keeps_the_fields(client, db, village):
    shah, roy = village["shah"], village["roy"]
    form, other_form = await open_slot_form(client, shah), await open_slot_form(client, shah)
    await send(client, other_form, name="Ben", email="ben@example.org")
    refusal = await send(client, form, note="By wheelchair")
    assert refusal.status_code == 409
    assert 'value="Ana Souza"' in refusal.text
    assert "By wheelchair</textarea>" in refusal.text
    nearest = alternative_slots(refusal)
    assert nearest == [(*NINE_SLOT, roy), (*HALF_PAST_NINE_SLOT, shah), (*LONG_SLOT, shah)]
    response = await send(client, form_of(refusal), instead=" ".join(nearest[0]))
    assert response.status_code == 303
    assert [row[:2] for row in await appointments(db)] == [(shah, NINE), (roy, NINE)]


async def test_a_patient_who_wants_one_doctor_is_offered_only_that_doctors_slots(client, village):
    shah = village["shah"]
    await send(client, await open_slot_form(client, shah))
    query = slot_query(shah, NINE, HALF_PAST_NINE, doctor=shah)
    response = await client.get("/c/village/details/free", params=query)
    assert (response.status_code, {doctor_id for _, _, doctor_id in alternative_slots(response)}) == (200, {shah})


async def test_the_script_can_check_whether_the_slot_is_still_free(client, village):
    query = slot_query(village["shah"], NINE, HALF_PAST_NINE)
    assert (await client.get("/c/village/details/free", params=query)).status_code == 204
    await send(client, await open_slot_form(client, village["shah"]))
    assert (await client.get("/c/village/details/free", params=query)).status_code == 200


async def test_a_slot_shortened_after_the_form_was_opened_is_not_booked(client, db, village):
    form = await open_slot_form(client, village["shah"], TEN, ONE)
    eleven = TEN + timedelta(hours=1)
    await db.execute("update booking_slot set during = tstzrange($1, $2) where lower(during) = $1", TEN, eleven)
    response = await send(client, form)
    assert response.status_code == 409
    assert (utc(TEN), utc(eleven), village["shah"]) in alternative_slots(response)
    assert await appointments(db) == []


async def test_part_of_a_slot_is_not_available(client, village):
    query = slot_query(village["shah"], NINE, NINE + timedelta(minutes=5))
    page = await client.get("/c/village/details", params=query)
    assert page.status_code == 200
    assert "no longer available" in page.text


async def test_a_busy_patient_is_offered_slots_at_other_times(client, db, village):
    await create_customer(client, name="Ana Souza", email="ana@example.org")
    await sign_in_as_ana(client)
    for doctor_id, status in ((village["shah"], 303), (village["roy"], 409)):
        address, hidden = await open_slot_form(client, doctor_id)
        response = await client.post(address, data=hidden)
        assert response.status_code == status
    assert [start for start, _, _ in alternative_slots(response)] == [utc(HALF_PAST_NINE), utc(TEN)]


@pytest.mark.parametrize(
    "changes",
    [
        {"end": ""},
        {"end": "x"},
        {"end": utc(NINE)},
        {"end": utc(NINE + timedelta(days=2))},
        {"whose": ""},
        {"whose": "x"},
    ],
)
async def test_addresses_without_a_valid_slot_redirect_to_the_clinic(client, village, changes):
    query = slot_query(village["shah"], NINE, HALF_PAST_NINE) | changes
    response = await client.get("/c/village/details", params=query)
    assert (response.status_code, response.headers["Location"]) == (303, "/c/village")
