"""Finding clinics through the API."""

from datetime import timedelta

from support.booking_pages import DAY, TEN, utc
from support.world import create_appointment_type, create_clinic, create_doctor, publish_slot


async def add_clinic(db, client, **details) -> int:
    clinic = await create_clinic(client, **details)
    await publish_slot(db, await create_doctor(client, clinic), DAY, TEN)
    return clinic


async def search(client, **query) -> list[dict]:
    response = await client.get("/api/clinics/search", params=query)
    assert response.status_code == 200, response.text
    return response.json()["items"]


async def test_a_search_returns_clinics_with_their_next_three_times(db, client):
    await add_clinic(db, client, address="10115 Berlin")
    type_id = await create_appointment_type(client)
    [clinic] = await search(client, q="lakside", place="Berlin")
    assert clinic["distanceKm"] < 5
    assert [doctor["name"] for doctor in clinic["doctors"]] == ["Dr Shah"]
    assert [(time["startTime"], time["appointmentTypeId"]) for time in clinic["times"]] == [
        (utc(DAY + timedelta(minutes=minutes)), type_id) for minutes in (0, 15, 30)
    ]


async def test_pages_of_a_search_contain_each_clinic_once(db, client):
    for number in range(5):
        await add_clinic(db, client, name=f"Clinic {number}", address="10115 Berlin")
    found, address = [], "/api/clinics/search?place=Berlin&limit=2"
    while address:
        response = await client.get(address)
        found += [clinic["name"] for clinic in response.json()["items"]]
        address = response.links.get("next", {}).get("url")
    assert found == [f"Clinic {number}" for number in range(5)]


async def test_clinics_without_bookable_hours_are_not_found(db, client):
    await create_doctor(client, await create_clinic(client, name="Closed"))
    clinic = await add_clinic(db, client, name="Expired")
    await db.execute("delete from booking_slot where clinic_id = $1", clinic)
    assert await search(client) == []


async def test_unknown_places_and_days_in_the_past_are_refused(client):
    for query, pointer in (
        ({"place": "Nowhereville"}, "#/place"),
        ({"withinKm": 5}, "#/withinKm"),
        ({"date": "2020-01-01"}, "#/date"),
    ):
        response = await client.get("/api/clinics/search", params=query)
        assert response.status_code == 400
        assert response.json()["errors"][0]["pointer"] == pointer
