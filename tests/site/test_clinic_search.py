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


async def test_search_finds_doctors_specialties_and_reasons_despite_spelling_mistakes(db, client, lakeside):
    mueller = await create_clinic(client, name="Praxis am Fluss", slug="fluss")
    reason = await create_appointment_type(client, mueller, name="Hautkrebs-Screening")
    doctor = {"name": "Dr. Jana Müller", "specialty": "Kardiologie", "appointmentTypeIds": [reason]}
    await add_bookable_doctor(db, client, mueller, **doctor)
    for text in (
        "Müller",
        "mueller",
        "muler",
        "cardiology",
        "kardiolgie",
        "Cardiologie",
        "hautkrebs screning",
        "fluss",
    ):
        assert names(await client.get("/", params={"q": text})) == ["Praxis am Fluss"], text


async def check_links(client) -> None:
    page = await client.get("/")
    addresses = [unescape(address) for address in re.findall(r'href="(/c/[^"]+/details\?[^"]+)"', page.text)]
    assert len(addresses) == 3
    for address, start in zip(addresses, times(page), strict=True):
        form = await client.get(address)
        assert form.status_code == 200
        assert f'<time datetime="{start}">' in form.text
        assert 'id="booking"' in form.text


async def test_a_search_without_a_place_shows_no_distance_and_the_best_match_first(db, client, lakeside):
    await add_bookable_doctor(db, client, await create_clinic(client, name="A clinic by a lakeside"))
    page = await client.get("/?q=Lakeside+Clinic")
    assert names(page) == ["Lakeside Clinic", "A clinic by a lakeside"]
    assert " km · " not in page.text


async def test_each_time_opens_the_booking_form_at_that_time(client, lakeside):
    await check_links(client)


async def test_each_whole_slot_opens_the_booking_form_at_that_time(client, village):
    await check_links(client)


async def test_search_respects_whom_doctors_see(db, client):
    clinic = await create_clinic(client, name="Family Clinic")
    await create_appointment_type(client, clinic)
    await add_bookable_doctor(db, client, clinic, name="Dr Young", maxAge=17, specialty="Paediatrics")
    await add_bookable_doctor(db, client, clinic, name="Dr Old", minAge=18, patients="known")
    await add_bookable_doctor(db, client, clinic, name="Dr Any", minAge=18)

    async def doctors(**query: str) -> set[str]:
        page = await client.get("/", params=query)
        return set(re.findall(r"<small>(Dr [A-Z]\w+)</small>", page.text))

    assert await doctors() == {"Dr Any"}
    assert await doctors(age="7") == {"Dr Young"}
    assert await doctors(age="40", new="1") == {"Dr Any"}
    assert await doctors(q="Young") == {"Dr Young"}
    assert await doctors(specialty="Paediatrics") == {"Dr Young"}
    assert "No clinics match your search." in (await client.get("/?age=40&specialty=Paediatrics")).text


async def test_search_finds_doctors_by_the_language_they_speak(db, client, lakeside):
    await add_bookable_doctor(db, client, await create_clinic(client, name="Bergpraxis"), languages=["tr"])
    assert names(await client.get("/?language=tr")) == ["Bergpraxis"]
    assert '<option value="tr">Turkish</option>' in (await client.get("/")).text


async def test_a_search_by_place_shows_the_distance_and_the_nearest_clinic_first(db, client, lakeside):
    potsdam = await create_clinic(client, name="A clinic in Potsdam", address="Lindenstr. 1, 14467 Potsdam")
    hamburg = await create_clinic(client, name="A clinic in Hamburg", address="Jungfernstieg 1, Hamburg")
    for clinic in (potsdam, hamburg):
        await add_bookable_doctor(db, client, clinic)
    page = await client.get("/?where=10115+Berlin&within=50")
    assert names(page) == ["Lakeside Clinic", "A clinic in Potsdam"]
    assert re.findall(r"<strong>(.+ km)</strong>", page.text) == ["under 1 km", "26 km"]
    assert names(await client.get("/?where=Berlin&within=10")) == ["Lakeside Clinic"]


async def test_a_search_in_a_place_without_clinics_suggests_the_nearest_ones(db, client, lakeside):
    page = await client.get("/?where=Dresden")
    assert "No clinics within 25 km of Dresden match your search." in page.text
    assert names(page) == ["Lakeside Clinic"]
    assert "Did you mean:" in (await client.get("/?where=Berln")).text


async def test_distances_are_in_miles_where_people_use_them(db, client):
    clinic = await create_clinic(
        client, name="Harbor Street", timeZone="America/New_York", address="14 Harbor Street, New York, NY 10004"
    )
    await add_bookable_doctor(db, client, clinic)
    assert "<strong>4.3 mi</strong>" in (await client.get("/?where=10019")).text


async def test_a_clinic_is_found_where_it_says_it_is(db, client, lakeside):
    profile = {"location": {"latitude": 53.55, "longitude": 10.0}}
    assert (await client.patch("/api/clinics/1", json={"profile": profile}, headers=ADMIN)).status_code == 200
    assert names(await client.get("/?where=Hamburg")) == ["Lakeside Clinic"]


async def test_a_day_in_the_past_is_refused_in_words(client, lakeside):
    page = await client.get("/", params={"date": (DAY - timedelta(days=5)).date().isoformat()})
    assert "This day is in the past. Choose today or a later day." in page.text
    assert names(page) == []
    assert "Choose a day within the next year." in (await client.get("/?date=2099-01-01")).text
    assert "Enter a day, such as 2027-03-01." in (await client.get("/?date=tomorrow")).text
    assert "Enter an age between 0 and 150." in (await client.get("/?age=old")).text
