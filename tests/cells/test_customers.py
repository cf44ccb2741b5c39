"""Customers are at home where they registered. Other cells get a copy when they book there."""

import pytest

from support.app import ADMIN
from support.hours import COMING_MONDAY
from support.world import create_customer

pytestmark = pytest.mark.xdist_group("cells")  # one worker creates the databases


def request_at(dr_shah, customer_id, time: str, **members) -> dict:
    start, end = f"{COMING_MONDAY}T{time}:00Z", f"{COMING_MONDAY}T{time[:2]}:30:00Z"
    return {"doctorId": dr_shah, "customerId": customer_id, "startTime": start, "endTime": end, **members}


async def read(cell, customer_id) -> dict:
    return (await cell.client.get(f"/api/customers/{customer_id}", headers=ADMIN)).json()


async def count_copies(cell, customer_id) -> int:
    return await cell.db.fetchval("select count(*) from customer_copy where customer_id = $1", customer_id)


async def test_a_customer_travels_only_when_they_book_and_only_once(cells, dr_shah, requests):
    ana = await create_customer(cells.south.client, name="Ana", email="ana@example.net")
    ben = await create_customer(cells.south.client, name="Ben")
    assert requests == []
    for time in ("09:00", "10:00"):
        booked = await cells.south.client.post("/api/appointments", json=request_at(dr_shah, ana, time))
        assert booked.status_code == 201, booked.text
    paths = [request.url.path for request in requests]
    assert paths == ["/api/appointments", f"/cells/customers/{ana}/copies", "/api/appointments"]
    home, copy = await read(cells.south, ana), await read(cells.north, ana)
    for member in ("id", "version", "createdAt", "name", "email"):
        assert copy[member] == home[member]
    assert (await cells.north.client.get(f"/api/customers/{ben}", headers=ADMIN)).status_code == 404
    assert await count_copies(cells.south, ana) == 1


async def test_an_id_alone_does_not_copy_a_customer(cells, dr_shah, requests):
    ana = await create_customer(cells.south.client, name="Ana")
    body = request_at(dr_shah, ana, "11:00", customerToken=None)
    assert (await cells.north.client.post("/api/appointments", json=body)).status_code == 404
    unknown = request_at(dr_shah, "01978a5c-7d3e-7a63-84f7-074d226b3d5d", "11:00")
    assert (await cells.north.client.post("/api/appointments", json=unknown)).status_code == 404
    assert [request.url.path.rpartition("/")[2] for request in requests] == ["copies"]
    for path in (f"/cells/customers/{ana}/copies", f"/cells/customers/{ana}"):
        assert (await cells.south.client.request("POST" if "copies" in path else "PUT", path)).status_code == 404
    assert await count_copies(cells.south, ana) == 0


async def test_a_booking_waits_for_the_customers_cell_and_not_for_others(cells, dr_shah):
    ana = await create_customer(cells.south.client, name="Ana")
    with cells.network.without("south"):
        body = request_at(dr_shah, ana, "12:00")
        response = await cells.north.client.post("/api/appointments", json=body)
        assert (response.status_code, response.headers["retry-after"]) == (503, "2")
        local = await create_customer(cells.north.client, name="Lou")
        response = await cells.north.client.post("/api/appointments", json=request_at(dr_shah, local, "12:00"))
        assert response.status_code == 201
    cells.north.cells.gateway._paused_until.clear()


async def test_changes_arrive_at_the_copies_once_and_in_order(cells, dr_shah, requests):
    ana = await create_customer(cells.south.client, name="Ana")
    await cells.north.client.post("/api/appointments", json=request_at(dr_shah, ana, "13:00"))
    with cells.network.without("north"):
        for name in ("Anna", "Anne"):
            await cells.south.client.patch(f"/api/customers/{ana}", json={"name": name}, headers=ADMIN)
            await cells.south.work()
    assert (await read(cells.north, ana))["name"] == "Ana"
    cells.south.cells.gateway._paused_until.clear()
    requests.clear()
    await cells.south.work()
    await cells.south.work()
    assert (await read(cells.north, ana))["name"] == "Anne"
    (sent,) = [request for request in requests if request.method == "PUT"]
    older = await cells.south.cells.gateway.call(
        cells.south.cells.table.others[0], "PUT", sent.url.path, sent.content.replace(b"Anne", b"Older")
    )
    assert older.status == 204
    assert (await read(cells.north, ana))["name"] == "Anne"


async def test_a_copy_is_changed_only_in_the_customers_home(cells, dr_shah):
    ana = await create_customer(cells.south.client, name="Ana")
    await cells.north.client.post("/api/appointments", json=request_at(dr_shah, ana, "14:00"))
    for method, path, body in (
        ("PATCH", f"/api/customers/{ana}", {"name": "Anna"}),
        ("DELETE", f"/api/customers/{ana}", None),
        ("POST", f"/api/customers/{ana}/erase", None),
    ):
        response = await cells.north.client.request(method, path, json=body, headers=ADMIN)
        assert (response.status_code, response.json()["type"]) == (409, "/problems/customer-elsewhere"), path


async def test_an_erasure_reaches_the_copies_once_their_appointments_are_over(cells, dr_shah):
    ana = await create_customer(cells.south.client, name="Ana", email="ana@example.net")
    booked = await cells.north.client.post("/api/appointments", json=request_at(dr_shah, ana, "15:00"))
    erased = await cells.south.client.post(f"/api/customers/{ana}/erase", headers=ADMIN)
    assert erased.status_code == 200, erased.text
    await cells.south.work()
    assert (await read(cells.north, ana))["name"] == "Ana"  # they still have an appointment
    path = f"/api/appointments/{booked.json()['id']}"
    assert (await cells.north.client.delete(path, headers=ADMIN)).status_code in (200, 204)
    await cells.south.work()
    copy = await read(cells.north, ana)
    assert (copy["name"], copy["email"]) == ("(erased)", None)
    assert not await cells.south.db.fetchval("select is_due from customer_copy where customer_id = $1", ana)
