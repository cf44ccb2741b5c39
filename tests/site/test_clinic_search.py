"""The clinic search on the start page."""

import re
from datetime import timedelta
from html import unescape

from support.app import ADMIN
from support.booking_pages import DAY, HALF_PAST_NINE, NINE, TEN, utc
from support.world import create_appointment_type, create_clinic, create_doctor, publish_slot


def names(page) -> list[str]:
    return re.findall(r"<h2><a[^>]+>([^<]+)", page.text)


def times(page) -> list[str]:
    return re.findall(r'<time datetime="([^"]+)"', page.text)


async def add_bookable_doctor(db, client, clinic_id: int, **details) -> None:
    await publish_slot(db, await create_doctor(client, clinic_id, **details), NINE, TEN)


async def test_search_finds_clinics_by_name_and_specialty(db, client, lakeside):
    await add_bookable_doctor(db, client, await create_clinic(client, name="Bergpraxis"))
    await create_clinic(client, name="A clinic without doctors")
    await create_doctor(client, await create_clinic(client, name="A clinic without hours"))
    assert names(await client.get("/")) == ["Bergpraxis", "Lakeside Clinic"]
    assert names(await client.get("/?q=LAKE")) == ["Lakeside Clinic"]
    assert names(await client.get("/?specialty=Dermatology")) == ["Lakeside Clinic"]
    assert "No clinics match your search." in (await client.get("/?q=nowhere")).text


async def test_search_shows_the_next_free_times_on_the_chosen_day(client, lakeside):
    page = await client.get("/", params={"date": DAY.date().isoformat()})
    assert times(page)[0] == utc(DAY)
    next_day = await client.get("/", params={"date": (DAY + timedelta(days=1)).date().isoformat()})
    assert "No times available on this day." in next_day.text


async def test_closed_clinics_are_not_listed_and_have_no_page(client, lakeside):
    assert (await client.delete("/api/clinics/1?cascade=true", headers=ADMIN)).status_code == 204
    assert "No clinics match your search." in (await client.get("/")).text
    for path in ("/c/lakeside", "/c/1", "/c/nowhere", "/embed/nowhere"):
        assert (await client.get(path, headers={"Accept": "text/html"})).status_code == 404, path


async def test_search_results_are_paginated(client, db):
    await db.execute(
        """
        insert into clinic (name, time_zone)
        select 'Clinic ' || lpad(n::text, 2, '0'), 'Europe/Berlin' from generate_series(1, 30) n
        """
    )
    for row in await db.fetch("select id from clinic"):
        await add_bookable_doctor(db, client, row.id)
    listing, address = [], "/"
    while address:
        page = await client.get(address)
        listing += names(page)
        next_link = re.search(r'href="([^"]+)" rel="next"', page.text)
        address = next_link and "/" + unescape(next_link.group(1))
    assert listing == [f"Clinic {number:02}" for number in range(1, 31)]


async def test_search_shows_whole_slots_at_a_clinic_without_types(client, village):
    for query in ({"date": DAY.date().isoformat()}, {"specialty": "Dermatology"}):
        page = await client.get("/", params=query)
        assert times(page) == [utc(NINE), utc(HALF_PAST_NINE), utc(TEN)]


async def test_search_omits_slots_for_doctors_who_offer_none_of_the_clinics_types(client, db, village):
    type_id = await create_appointment_type(client)
    for doctor_id, type_ids in ((village["shah"], []), (village["roy"], [type_id])):
        former_type = await create_appointment_type(client, name="Former type")
        changes = {"appointmentTypeIds": type_ids or [former_type]}
        response = await client.patch(f"/api/doctors/{doctor_id}", json=changes, headers=ADMIN)
        assert response.status_code == 200
        assert (await client.delete(f"/api/appointmentTypes/{former_type}", headers=ADMIN)).status_code == 204
    assert times(await client.get("/", params={"date": DAY.date().isoformat()})) == [utc(NINE)]


async def test_clinics_are_found_by_name_and_specialty_typed_without_accents(db, client):
    await add_bookable_doctor(db, client, await create_clinic(client, name="Clínica São José"), specialty="Pediatría")
    for query in ("q=sao+jose", "specialty=pediatria"):
        assert "Clínica São José" in (await client.get(f"/?{query}")).text
