"""Requests reach the cell in which their clinic is at home, whichever cell gets them."""

from datetime import timedelta

import asyncpg
import pytest

from appoint.clinics.cells import repository
from appoint.clinics.cells.model import ClinicHome
from appoint.clinics.cells.signatures import HEADER, Origin, Signed, sign_request
from appoint.kit import clock
from appoint.kit.ids import CLINICS_PER_CELL
from support.app import ADMIN
from support.cells import SECRET
from support.hours import COMING_MONDAY
from support.world import create_clinic, create_customer

pytestmark = pytest.mark.xdist_group("cells")  # one worker creates the databases
NORTH = "http://north.local"


async def test_clinics_get_numbers_from_their_cells_block_and_no_others(cells):
    assert [await create_clinic(each.client) // CLINICS_PER_CELL for each in (cells.south, cells.north)] == [0, 1]
    owner = await asyncpg.connect(cells.north.url)
    try:
        await owner.execute("select setval('clinic_id_seq', $1)", 2 * CLINICS_PER_CELL - 1)
        with pytest.raises(asyncpg.PostgresError, match="reached maximum value"):
            await owner.execute("select nextval('clinic_id_seq')")
        await owner.execute("select setval('clinic_id_seq', $1)", CLINICS_PER_CELL + 1000)
    finally:
        await owner.close()


async def test_pages_and_public_reads_are_redirected_to_the_clinics_cell(cells, harbor, dr_shah, requests):
    for path in (
        "/c/harbor",
        f"/c/{harbor}/times?date=2027-03-01",
        "/embed/harbor",
        f"/staff/{harbor}/day",
        f"/images/{harbor}/logo.webp",
        f"/api/clinics/{harbor}",
        f"/api/clinics/{harbor}/availability?from={COMING_MONDAY}",
        f"/api/doctors/{dr_shah}/availability",
    ):
        response = await cells.south.client.get(path)
        assert (response.status_code, response.headers.get("location")) == (307, NORTH + path), path
        assert response.headers["cache-control"] == "no-store"
    assert requests == []
    assert (await cells.north.client.get("/c/harbor")).status_code == 200
    assert (await cells.south.client.get("/c/unknown")).status_code == 404


async def test_changes_are_forwarded_once_with_their_key_and_the_callers_address(cells, harbor, requests):
    client = cells.south.connect(address="203.0.113.9")
    headers = ADMIN | {"Idempotency-Key": "k", "Cookie": "a=b", "X-Forwarded-For": "198.51.100.1"}
    path = f"/api/clinics/{harbor}/doctors"
    first = await client.post(path, json={"name": "Dr Lee"}, headers=headers)
    assert first.status_code == 201
    assert [request.headers["idempotency-key"] for request in requests] == ["k"]
    assert not {"cookie", "x-forwarded-for"} & set(requests[0].headers)
    addresses = await cells.north.db.fetch("select distinct address from audit_unsealed where action = 'createDoctor'")
    assert "203.0.113.9" in str(addresses)
    doctor = first.json()["id"]
    read = await client.get(f"/api/doctors/{doctor}", headers=ADMIN)
    changed = await client.patch(
        f"/api/doctors/{doctor}", json={"name": "Dr Li"}, headers=ADMIN | {"If-Match": read.headers["etag"]}
    )
    assert (read.status_code, changed.json()["name"]) == (200, "Dr Li")
    assert (await client.delete(f"/api/doctors/{doctor}", headers=ADMIN)).status_code == 204


async def test_a_refusal_comes_from_the_clinics_cell(cells, harbor):
    response = await cells.south.client.post(f"/api/clinics/{harbor}/doctors", json={"name": ""}, headers=ADMIN)
    assert (response.status_code, response.json()["type"]) == (400, "/problems/invalid-request")
    response = await cells.south.client.post(f"/api/clinics/{harbor}/doctors", json={"name": "Dr Lee"})
    assert response.status_code == 401


async def test_a_form_for_a_clinic_elsewhere_is_not_sent_there(cells, harbor, requests):
    response = await cells.south.client.post(f"/c/{harbor}/details", data={"name": "Ana"})
    assert (response.status_code, requests) == (421, [])
    assert "Open the page again" in response.text


async def test_a_cell_that_is_down_leaves_the_others_clinics_untouched(cells, harbor):
    here = await create_clinic(cells.south.client)
    with cells.network.without("north"):
        response = await cells.south.client.post(f"/api/clinics/{harbor}/doctors", json={"name": "Dr"}, headers=ADMIN)
        assert (response.status_code, response.headers["retry-after"]) == (503, "2")
        await cells.follow()
        response = await cells.south.client.post(f"/api/clinics/{here}/doctors", json={"name": "Dr"}, headers=ADMIN)
        assert response.status_code == 201
        assert (await cells.south.client.get(f"/api/clinics/{harbor}")).status_code == 307
    await cells.follow()


async def test_forged_requests_between_cells_are_refused(cells, harbor):
    path, now = f"/api/clinics/{harbor}/doctors", clock.now()
    south, body = Origin("south", "203.0.113.9"), b'{"name":"Dr"}'

    def sign(*, secret=SECRET, recipient="north", method="POST", target=path, content=body, at=now) -> str:
        return sign_request(secret, Signed(recipient, method, target, content), south, now=at)

    async def send(signature: str) -> int:
        headers = ADMIN | {HEADER: signature, "Content-Type": "application/json"}
        return (await cells.north.client.post(path, content=body, headers=headers)).status_code

    assert await send(sign()) == 201
    for forged in (
        "south",
        sign(secret="another secret, as long as the real one"),
        sign(recipient="east"),
        sign(method="PUT"),
        sign(target=path + "?a=b"),
        sign(content=b"{}"),
        sign(at=now - timedelta(minutes=2)),
        sign(at=now + timedelta(minutes=2)),
    ):
        assert await send(forged) == 403, forged


async def test_a_request_never_travels_further_than_one_cell(cells):
    """After a move, the tables differ for a moment: each cell believes that the clinic is at home in the other."""
    clinic_id, now = 77, clock.now()
    await repository.save_homes(cells.south.db, [ClinicHome(clinic_id, 1, 1)], now=now)
    await cells.follow()
    await repository.save_homes(cells.north.db, [ClinicHome(clinic_id, 0, 2)], now=now)
    await cells.north.cells.table.refresh()
    response = await cells.south.client.post(f"/api/clinics/{clinic_id}/doctors", json={"name": "Dr"}, headers=ADMIN)
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")


async def test_only_cells_can_list_clinics_for_routing(cells, client):
    assert (await cells.north.client.get("/cells/clinics")).status_code == 404
    assert (await client.get("/cells/clinics")).status_code == 404
    headers = {HEADER: sign_request(SECRET, Signed("", "GET", "/cells/clinics", b""), Origin("", ""), now=clock.now())}
    assert (await client.get("/cells/clinics", headers=headers)).status_code == 404


async def test_a_body_that_is_too_large_for_any_operation_is_not_forwarded(cells, harbor, requests):
    body = b" " * (6 * 1024 * 1024 + 1)
    response = await cells.south.client.put(f"/api/clinics/{harbor}/logo", content=body, headers=ADMIN)
    assert (response.status_code, requests) == (413, [])


async def test_a_booking_and_its_changes_work_through_the_wrong_cell(cells, dr_shah, requests, monkeypatch):
    """The customer is registered where the clinic is at home. The cells are far apart."""
    monkeypatch.setattr(cells.network, "seconds", 0.2)
    client, ana = cells.south.client, await create_customer(cells.north.client, name="Ana")
    body = {
        "doctorId": dr_shah,
        "customerId": ana,
        "startTime": f"{COMING_MONDAY}T10:00:00Z",
        "endTime": f"{COMING_MONDAY}T10:30:00Z",
    }
    booked = await client.post("/api/appointments", json=body, headers={"Idempotency-Key": "b"})
    assert booked.status_code == 201, booked.text
    again = await client.post("/api/appointments", json=body, headers={"Idempotency-Key": "b"})
    assert again.json()["id"] == booked.json()["id"]
    link = {"Authorization": f"Bearer {booked.json()['manageToken']}"}
    path = f"/api/appointments/{booked.json()['id']}"
    moved = await client.put(path, json={"startTime": f"{COMING_MONDAY}T11:00:00Z"}, headers=link)
    assert (moved.status_code, moved.json()["startTime"]) == (200, f"{COMING_MONDAY}T11:00:00Z")
    assert (await client.get(path, headers=link)).json()["status"] == "booked"
    page = await client.get(f"/appointments/{booked.json()['manageToken']}")
    assert (page.status_code, page.headers["location"][: len(NORTH)]) == (307, NORTH)
    assert (await client.delete(path, headers=link)).status_code in (200, 204)
    assert len(requests) == 5  # all but the page


async def test_a_short_name_in_use_in_another_cell_is_taken(cells, harbor):
    body = {"name": "Harbor", "slug": "harbor", "timeZone": "UTC"}
    response = await cells.south.client.post("/api/clinics", json=body, headers=ADMIN)
    assert (response.status_code, response.json()["type"]) == (409, "/problems/slug-taken")
