"""Moving appointments to any free doctor, over HTTP."""

from datetime import timedelta

import pytest

from appoint.kit.cache import ClinicCache
from support.app import ADMIN
from support.appointments import appointment_body, create_world


@pytest.fixture
async def world(db):
    """A clinic where Dr Rao works the same hours as Dr Shah and a little longer."""
    async with ClinicCache(None) as cache:
        world = await create_world(db, cache)
        world.dr_rao = await world.add_doctor("Dr Rao")
        await world.publish(world.dr_rao, world.nine - timedelta(hours=1), world.nine + timedelta(hours=9))
        yield world


async def book(client, world, *, hours, **members):
    body = appointment_body(world, hours=hours, **members)
    return (await client.post("/api/appointments", json=body, headers=ADMIN)).json()["id"]


async def move(client, world, appointment, *, hours, **members):
    start = (world.nine + timedelta(hours=hours)).isoformat()
    body = {"startTime": start, "anyDoctor": True, **members}
    return await client.put(f"/api/appointments/{appointment}", json=body, headers=ADMIN)


async def test_the_current_doctor_is_preferred(client, world):
    appointment = await book(client, world, hours=0)
    assert (await move(client, world, appointment, hours=1)).json()["doctorId"] == str(world.dr_shah)


async def test_another_doctor_takes_over_if_the_current_one_is_busy_or_away(client, world):
    appointment = await book(client, world, hours=0)
    await book(client, world, hours=1, customer=world.ben)
    assert (await move(client, world, appointment, hours=1)).json()["doctorId"] == str(world.dr_rao)
    assert (await move(client, world, appointment, hours=8)).json()["doctorId"] == str(world.dr_rao)


async def test_the_move_is_refused_if_no_doctor_is_free(client, world):
    appointment = await book(client, world, hours=0)
    for doctor, customer in ((world.dr_shah, world.ben), (world.dr_rao, await world.add_customer("Chi"))):
        await book(client, world, hours=1, customer=customer, doctorId=str(doctor))
    refusal = await move(client, world, appointment, hours=1)
    assert (refusal.status_code, refusal.json()["reason"]) == (409, "taken")
    assert refusal.json()["alternatives"]


async def test_any_doctor_cannot_be_combined_with_a_named_one(client, world):
    appointment = await book(client, world, hours=0)
    refusal = await move(client, world, appointment, hours=1, doctorId=str(world.dr_rao))
    assert (refusal.status_code, refusal.json()["errors"][0]["pointer"]) == (400, "#/anyDoctor")
