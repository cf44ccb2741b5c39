"""The audit log outlives the people who are erased, so it must not identify anyone."""

import pytest

from appoint.kit.actors import Actor
from appoint.kit.networks import network_around
from support.app import ADMIN, composed, connected_client
from support.audit import unsealed
from support.manage_links import book, create_visit, token_headers
from support.sign_in_codes import enter_code, request_code
from support.staff import sign_in_receptionist
from support.world import create_clinic

UUID_ID, OWN_ID = "0a6f1c52-7d3e-4a63-84f7-074d226b3d60", "0123456789abcdef01234567"


@pytest.mark.parametrize("id", [UUID_ID, OWN_ID, OWN_ID.upper()])
async def test_a_hexadecimal_request_id_is_recorded_unchanged(client, db, id):
    await client.post("/api/customers", json={"name": "Ana"}, headers={"X-Request-ID": id})
    assert [entry["request_id"] for entry in await unsealed(db)] == [id]


@pytest.mark.parametrize("id", ["visit-of-ana-ibarra", "ana@example.org", "0123-4567", "deadbeef-ana"])
async def test_any_other_request_id_is_recorded_as_a_digest(client, db, id):
    response = await client.post("/api/customers", json={"name": "Ana"}, headers={"X-Request-ID": id})
    assert response.headers["X-Request-ID"] == id
    (entry,) = await unsealed(db)
    assert id not in str(entry)
    assert len(entry["request_id"]) == 32


async def test_a_booking_records_neither_the_request_id_nor_the_full_address(client, db, database_url):
    visit = await create_visit(db, client)
    async with connected_client(composed(database_url), address="198.51.100.77") as ana:
        ana.headers["X-Request-ID"] = "visit-of-ana"
        await book(ana, visit)
    (entry,) = [entry for entry in await unsealed(db) if entry["action"] == "bookAppointment"]
    assert (entry["address"], "ana" in entry["request_id"]) == ("198.51.100.0/24", False)


async def test_only_staff_and_partners_are_recorded_with_their_full_address(client, db, database_url):
    await create_clinic(client)
    visit = await create_visit(db, client)
    link = token_headers(await book(client, visit))
    session = (await enter_code(client, await request_code(client))).json()["session"]["token"]
    reception = await sign_in_receptionist(db, client)
    async with connected_client(composed(database_url), address="2001:db8:7:8::9") as caller:
        for headers in (None, link, {"Authorization": f"Bearer {session}"}, reception, ADMIN):
            await caller.post("/api/customers", json={"name": "Cleo"}, headers=headers)
    addresses = [
        entry["address"]
        for entry in await unsealed(db)
        if entry["action"] == "createCustomer" and entry["address"] != "127.0.0.0/24"
    ]
    assert addresses == ["2001:db8:7::/48"] * 3 + ["2001:db8:7:8::9"] * 2


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:7:8::9", "2001:db8:7::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("testclient", "testclient"),
    ],
)
def test_an_address_is_shortened_to_its_network(address, network):
    assert network_around(address) == network


def test_nothing_is_recorded_for_a_caller_without_an_address():
    assert Actor("open:1").audited_address is None
