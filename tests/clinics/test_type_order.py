"""A clinic puts its appointment types in its own order."""

import re
from uuid import uuid4

import pytest

from support.app import ADMIN
from support.world import create_appointment_type, create_clinic, create_doctor

PATH = "/api/clinics/1/appointmentTypes/order"


@pytest.fixture
async def types(client):
    """Create a clinic with three types, and return their ids by name."""
    await create_clinic(client, slug="lakeside")
    await create_doctor(client)
    return {name: await create_appointment_type(client, name=name) for name in ("Check-up", "Vaccination", "Allergy")}


async def names(client):
    """Return the types' names as patients see them."""
    page = (await client.get("/c/lakeside", headers={"Accept-Language": "en"})).text
    return re.findall(r">\s*(Check-up|Vaccination|Allergy|X-ray)", page.split("<main")[1].partition("Doctors")[0])


async def put(client, ids):
    return await client.put(PATH, json={"appointmentTypeIds": ids}, headers=ADMIN)


async def press(client, way, type_id):
    return await client.post("/staff/1/types", data={way: type_id}, headers=ADMIN)


async def test_types_are_ordered_by_name_until_the_clinic_orders_them(client, types):
    assert await names(client) == ["Allergy", "Check-up", "Vaccination"]
    wanted = ["Vaccination", "Allergy", "Check-up"]
    response = await put(client, [types[name] for name in wanted])
    assert (response.status_code, await names(client)) == (200, wanted)
    await create_appointment_type(client, name="X-ray")
    assert await names(client) == [*wanted, "X-ray"]


async def test_only_types_that_move_get_a_new_version(client, db, types):
    await put(client, [types[name] for name in ("Vaccination", "Allergy", "Check-up")])
    await put(client, [types[name] for name in ("Allergy", "Vaccination", "Check-up")])
    assert dict(await db.fetch("select name, version from appointment_type")) == {
        "Allergy": 3,
        "Vaccination": 3,
        "Check-up": 2,
    }


async def test_the_order_must_contain_each_active_type_once(client, types):
    ids = list(types.values())
    for wrong in (ids[:2], [*ids, ids[0]], [*ids[:2], str(uuid4())], []):
        response = await put(client, wrong)
        assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "#/appointmentTypeIds")
    assert (await client.delete(f"/api/appointmentTypes/{ids[0]}", headers=ADMIN)).status_code == 204
    assert (await put(client, ids[1:])).status_code == 200


async def test_managers_move_types_up_and_down_on_the_page(client, types):
    response = await press(client, "up", types["Vaccination"])
    assert response.status_code == 303
    assert await names(client) == ["Allergy", "Vaccination", "Check-up"]
    page = (await client.get(response.headers["location"], headers=ADMIN | {"Accept-Language": "en"})).text
    assert re.search(rf'name="up" value="{types["Vaccination"]}"[^>]* autofocus', page)
    await press(client, "down", types["Allergy"])
    assert await names(client) == ["Vaccination", "Allergy", "Check-up"]
    await press(client, "up", types["Vaccination"])  # it is the first already
    assert await names(client) == ["Vaccination", "Allergy", "Check-up"]


async def test_a_type_that_is_not_offered_cannot_be_moved(client, types):
    await client.delete(f"/api/appointmentTypes/{types['Allergy']}", headers=ADMIN)
    for type_id in (types["Allergy"], str(uuid4()), "x"):
        assert (await press(client, "up", type_id)).status_code == 404
