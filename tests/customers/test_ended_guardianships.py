"""Once a guardianship has ended, nothing that the guardian knows gives access to the ward's appointments."""

import re

import pytest

from appoint.kit.actors import Actor
from appoint.kit.cache import ClinicCache
from support.app import ADMIN
from support.appointments import appointment_body, create_world
from support.callers import accept_callers, headers_of


@pytest.fixture
async def world(db, client):
    async with ClinicCache(None) as cache:
        world = await create_world(db, cache)
        await world.set_clinic(1, confirm_address="never")
        world.client = client
        accept_callers(
            client,
            {
                "ana": Actor(f"patient:{world.ana}", customer_id=world.ana),
                "ben": Actor(f"patient:{world.ben}", customer_id=world.ben),
            },
        )
        yield world


async def add_child(world) -> dict[str, str]:
    body = {"name": "Mia", "birthDate": "2019-05-01"}
    return (await world.client.post(f"/api/customers/{world.ana}/wards", json=body, headers=headers_of("ana"))).json()


async def book(world, customer, headers, hours=0):
    body = appointment_body(world, hours=hours, customer=customer, customerToken=None)
    response = await world.client.post("/api/appointments", json=body, headers=headers)
    assert response.status_code == 201, response.text
    return response.json()


async def linked_tokens(world) -> set[str]:
    return set(
        re.findall(r"/appointments/(apm_[\w.-]+)", (await world.client.get("/my", headers=headers_of("ana"))).text)
    )


@pytest.mark.parametrize("booked_by", ["the guardian", "the clinic"])
async def test_neither_links_nor_the_session_open_the_wards_appointments(world, booked_by):
    child = await add_child(world)
    headers = ADMIN if booked_by == "the clinic" else headers_of("ana")
    appointment = await book(world, child["wardId"], headers)
    path = f"/api/appointments/{appointment['id']}"
    (token,) = await linked_tokens(world)
    assert (await world.client.get(f"/appointments/{token}")).status_code == 200
    end = f"/api/customers/{world.ana}/wards/{child['id']}"
    assert (await world.client.delete(end, headers=headers_of("ana"))).status_code == 204
    assert await linked_tokens(world) == set()
    assert (await world.client.get(f"/appointments/{token}")).status_code == 404
    assert (await world.client.get(path, headers=headers_of("ana"))).status_code == 404
    assert (await world.client.get(path, headers=ADMIN)).json()["status"] == "booked"


async def test_the_guardians_own_appointments_keep_their_links(world):
    child = await add_child(world)
    await book(world, world.ana, headers_of("ana"))
    before = await linked_tokens(world)
    await world.client.delete(f"/api/customers/{world.ana}/wards/{child['id']}", headers=headers_of("ana"))
    assert await linked_tokens(world) == before


async def test_a_patients_own_page_says_who_can_book_for_them(world, db):
    await db.execute(
        "insert into guardianship (guardian_id, ward_id, granting_clinic_id, ends_on) values ($1, $2, 1, '2028-01-01')",
        world.ana,
        world.ben,
    )
    page = (await world.client.get("/my", headers=headers_of("ben"))).text
    assert "People who book for you" in page
    assert 'href="/my/people">Stop ' in page
    assert "People who book for you" not in (await world.client.get("/my", headers=headers_of("ana"))).text
