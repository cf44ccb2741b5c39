"""A request with another clinic's id is refused, and an idempotency key belongs to one request."""

from support.app import ADMIN
from support.bad_requests import booking_request, evening, faults
from support.hours import COMING_MONDAY as MONDAY


async def test_another_clinics_ids_are_404_and_nothing_is_written(client, world):
    """Each request is valid except for one id, which belongs to another clinic."""
    other = await world.add_clinic()
    rao, foreign_type, visit = (
        await world.add_doctor("Dr Rao", clinic=other),
        await world.add_type(30, clinic=other),
        await world.add_type(30),
    )
    slot = await world.publish(rao, evening(0), evening(120))
    body = booking_request(world, 0, customer=world.ben)
    appointment = (await client.post("/api/appointments", json=body, headers=ADMIN)).json()["id"]
    before = await row_counts(world)

    valid = booking_request(world, 60)
    time_only = {name: value for name, value in valid.items() if name not in ("clinicId", "customerId")}
    customer_only = {"clinicId": world.clinic, "customerId": str(world.ana)}
    raos_id = {"doctorId": str(rao)}
    requests = [
        ("POST", "appointments", valid | raos_id),
        (
            "POST",
            "appointments",
            {name: value for name, value in valid.items() if name != "endTime"}
            | {"appointmentTypeId": str(foreign_type)},
        ),
        ("POST", "appointments", customer_only | {"bookingSlotId": str(slot)}),
        ("POST", "appointments", valid | {"clinicId": other}),
        ("POST", "appointments", valid | {"customerId": str(visit)}),
        ("POST", "bookings", valid | {"clinicId": other}),
        ("POST", "bookings", customer_only | {"appointments": [time_only, time_only | raos_id]}),
        ("PUT", f"appointments/{appointment}", {"startTime": valid["startTime"], **raos_id}),
        (
            "POST",
            "availability/createBookingSlots",
            {"clinicId": world.clinic, "from": str(MONDAY), "to": str(MONDAY), **raos_id},
        ),
        (
            "POST",
            f"clinics/{world.clinic}/absences",
            {"startTime": valid["startTime"], "endTime": valid["endTime"], **raos_id},
        ),
        ("GET", f"clinics/{world.clinic}/patients/{world.ana}", None),
        ("GET", f"clinics/{other}/patients/{world.ben}", None),
        ("GET", f"clinics/{other}/bookings/{appointment}", None),
        ("GET", f"clinics/{world.clinic}/availability?date={MONDAY}&doctorId={rao}", None),
        ("GET", f"doctors/{world.dr_shah}/availability?date={MONDAY}&appointmentTypeId={foreign_type}", None),
    ]
    for method, path, body in requests:
        faults(await client.request(method, f"/api/{path}", json=body, headers=ADMIN), 404)
    offering = {"name": "Dr Lee", "appointmentTypeIds": [str(visit), str(foreign_type)]}
    assert "#/appointmentTypeIds/1" in faults(
        await client.post(f"/api/clinics/{world.clinic}/doctors", json=offering, headers=ADMIN), 400
    )
    assert await row_counts(world) == before


async def row_counts(world):
    """Return each table's number of rows, and the sum of the appointments' versions."""
    tables = ("appointment", "booking_slot", "patient", "customer", "doctor", "absence", "event", "request_key")
    return {table: await world.count(table) for table in tables} | {
        "versions": await world.db.fetchval("select sum(version) from appointment")
    }


async def test_an_idempotency_key_belongs_to_one_request_across_all_paths(client, world):
    """The same body on a different path is a different request."""
    key = ADMIN | {"Idempotency-Key": "one"}
    assert (await client.post("/api/customers", json={"name": "Ana"}, headers=key)).status_code == 201
    for path in ("/api/customers?", "/api/customers"):
        assert (await client.post(path, json={"name": "Ana"}, headers=key)).headers["Idempotent-Replayed"] == "true"
    faults(await client.post(f"/api/clinics/{world.clinic}/doctors", json={"name": "Ana"}, headers=key), 422)
    assert (await client.post("/api/appointments", json=booking_request(world, 0), headers=key)).status_code == 201
    faults(await client.post("/api/bookings", json=booking_request(world, 0), headers=key), 422)
