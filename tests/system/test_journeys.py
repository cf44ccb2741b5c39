"""A journey through each of the APIs that Appoint combines, using that API's endpoints and terms."""

import asyncio
from datetime import timedelta

from support.app import ADMIN
from support.hours import COMING_MONDAY as MONDAY
from support.hours import hours, local


def on_monday(wall_time):
    """Return a time on the coming Monday in Berlin, in the API's format."""
    return f"{local(MONDAY, wall_time):%Y-%m-%dT%H:%M:%SZ}"


NINE, HALF_PAST_NINE, TEN, HALF_PAST_TEN, ELEVEN = map(on_monday, ("09:00", "09:30", "10:00", "10:30", "11:00"))
NEXT_MONDAY = MONDAY + timedelta(days=7)


async def succeed(request, status=200):
    """Check a response's status, and return its content."""
    response = await request
    assert response.status_code == status, response.text
    return response.json() if response.content else None


async def create(client, path, **members):
    return await succeed(client.post(f"/api{path}", json=members, headers=ADMIN), 201)


async def register(client, name):
    """Register a customer, which requires no credentials, and return the id."""
    return (await succeed(client.post("/api/customers", json={"name": name}), 201))["id"]


async def create_clinic(client, **members):
    """Create a clinic where strangers book without a code."""
    policy = {"confirmAddress": "never", **members.pop("policy", {})}
    body = {"name": "Lakeside Clinic", "timeZone": "Europe/Berlin", "policy": policy, **members}
    return (await create(client, "/clinics", **body))["id"]


async def open_hours(client, clinic, doctor, *spans):
    """Set the hours for every Monday, and publish the coming one."""
    await succeed(
        client.put(f"/api/doctors/{doctor}/schedule", json={"weekly": {"monday": hours(*spans)}}, headers=ADMIN)
    )
    await publish(client, clinic)


async def publish(client, clinic, first=MONDAY, last=MONDAY):
    return await succeed(
        client.post(
            "/api/availability/createBookingSlots",
            json={"clinicId": clinic, "from": str(first), "to": str(last)},
            headers=ADMIN,
        )
    )


def starts(day):
    return [slot["startTime"] for slot in day["slots"]]


async def test_a_repeated_request_books_a_service_once(client):
    """Booking an appointment type, with idempotency, request ids, localised refusals and conditional requests."""
    clinic = await create_clinic(client)
    doctor = (await create(client, f"/clinics/{clinic}/doctors", name="Dr. Amara Shah"))["id"]
    service = (await create(client, f"/clinics/{clinic}/appointmentTypes", name="Check-up", minutes=60))["id"]
    await open_hours(client, clinic, doctor, "09:00-11:00")

    free = f"/api/clinics/{clinic}/freeslots/{MONDAY}?appointmentTypeId={service}"
    (day,) = (await succeed(client.get(free)))["days"]
    assert NINE in starts(day)

    ana, ben = await register(client, "Ana Souza"), await register(client, "Ben Okafor")
    body = {"clinicId": clinic, "customerId": ana, "doctorId": doctor, "startTime": NINE, "appointmentTypeId": service}
    first, again = [
        await client.post(
            "/api/bookings", json=body, headers={"Idempotency-Key": "ana-monday", "X-Request-ID": "from-the-app"}
        )
        for _ in range(2)
    ]
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["X-Request-ID"] == "from-the-app"

    refusal = await client.post(
        "/api/bookings", json=body | {"customerId": ben}, headers={"Accept-Language": "de-AT, de;q=0.9"}
    )
    assert (refusal.status_code, refusal.json()["reason"], refusal.headers["Content-Language"]) == (409, "taken", "de")
    assert TEN in [offer["startTime"] for offer in refusal.json()["alternatives"]]

    booking = await succeed(client.get(first.headers["Location"], headers=ADMIN))
    assert [appointment["startTime"] for appointment in booking["appointments"]] == [NINE]
    page = await client.get(f"/api/clinics/{clinic}/bookings?from={MONDAY}&to={MONDAY}&limit=1", headers=ADMIN)
    assert page.json() == {"items": [booking], "next": None}
    assert page.headers["Cache-Control"] == "no-store"
    unchanged = await client.get(
        f"/api/clinics/{clinic}/bookings?from={MONDAY}&to={MONDAY}&limit=1",
        headers=ADMIN | {"If-None-Match": page.headers["ETag"]},
    )
    assert unchanged.status_code == 304

    (day,) = (await succeed(client.get(free)))["days"]
    assert starts(day) == [TEN]


async def test_slots_are_generated_assigned_to_customers_and_removed(client):
    """Clinics and their doctors, global customers, time slots, doctors' slots, and booking slots by day."""
    clinic = await create_clinic(client)
    doctor = (await create(client, f"/clinics/{clinic}/doctors", name="Dr. Amara Shah", specialty="Dermatology"))["id"]
    ana, ben = await register(client, "Ana Souza"), await register(client, "Ben Okafor")

    early = await create(client, f"/clinics/{clinic}/timeslots", name="Early", startTime="09:00", endTime="10:00")
    late = await create(client, f"/clinics/{clinic}/timeslots", name="Late", startTime="10:00", endTime="11:00")
    overlapping = await client.post(
        f"/api/clinics/{clinic}/timeslots", json={"startTime": "10:30", "endTime": "11:30"}, headers=ADMIN
    )
    assert overlapping.json()["reason"] == "time-slots-intersect"
    for time_slot in (early, late):
        await create(client, f"/doctors/{doctor}/slots", weekday="monday", timeSlotId=time_slot["id"])
    assert [line["timeSlotId"] for line in (await succeed(client.get(f"/api/doctors/{doctor}/slots")))["items"]] == [
        early["id"],
        late["id"],
    ]

    assert await publish(client, clinic, MONDAY, NEXT_MONDAY) == {"created": 4, "skipped": 0}
    assert await publish(client, clinic, MONDAY, NEXT_MONDAY) == {"created": 0, "skipped": 4}
    monday = f"/api/doctors/{doctor}/bookingSlots?from={MONDAY}&to={MONDAY}"
    nine, ten = (await succeed(client.get(monday)))["items"]
    assert [(slot["timeSlotId"], slot["date"], slot["source"]) for slot in (nine, ten)] == [
        (each["id"], str(MONDAY), "schedule") for each in (early, late)
    ]

    offers = (await succeed(client.get(f"/api/availability/search?date={MONDAY}&specialty=dermatology")))["items"]
    assert [(time["clinicName"], time["doctorName"], time["startTime"]) for time in offers] == [
        ("Lakeside Clinic", "Dr. Amara Shah", slot["startTime"]) for slot in (nine, ten)
    ]

    assigned = await succeed(client.put(f"/api/bookingSlots/{nine['id']}", json={"customerId": ana}, headers=ADMIN))
    assert (assigned["customerId"], [appointment["status"] for appointment in assigned["appointments"]]) == (
        ana,
        ["booked"],
    )
    refusal = await client.put(f"/api/bookingSlots/{nine['id']}", json={"customerId": ben}, headers=ADMIN)
    assert (refusal.status_code, refusal.json()["reason"]) == (409, "taken")
    assert [slot["id"] for slot in (await succeed(client.get(f"{monday}&status=free")))["items"]] == [ten["id"]]
    assert [
        patient["name"]
        for patient in (await succeed(client.get(f"/api/clinics/{clinic}/patients", headers=ADMIN)))["items"]
    ] == ["Ana Souza"]

    await succeed(client.delete(f"/api/bookingSlots/{ten['id']}", headers=ADMIN), 204)
    assert (await publish(client, clinic))["created"] == 0
    for path in (
        f"/api/clinics/{clinic}/availability?date={MONDAY}",
        f"/api/doctors/{doctor}/availability?date={MONDAY}",
    ):
        assert (await succeed(client.get(path)))["days"] == [{"date": str(MONDAY), "free": 0, "slots": []}]
    by_hand = await create(client, "/bookingSlots", doctorId=doctor, startTime=TEN, endTime=ELEVEN)
    assert (await succeed(client.get(f"/api/bookingSlots/{by_hand['id']}")))["source"] == "manual"

    in_use = await client.delete(f"/api/clinics/{clinic}", headers=ADMIN)
    assert (in_use.json()["reason"], in_use.json()["doctors"], in_use.json()["timeSlots"]) == ("clinic-in-use", 1, 2)
    assert (await client.delete(f"/api/clinics/{clinic}?cascade=true", headers=ADMIN)).json()[
        "reason"
    ] == "live-appointments"
    await succeed(client.delete(f"/api/appointments/{assigned['appointments'][0]['id']}", headers=ADMIN), 204)
    await succeed(client.delete(f"/api/clinics/{clinic}?cascade=true", headers=ADMIN), 204)
    assert (await succeed(client.get("/api/clinics")))["items"] == []
    assert (await succeed(client.get(f"/api/doctors/{doctor}")))["active"] is False


async def test_an_appointment_in_a_providers_week_is_booked_moved_and_cancelled(client):
    """Providers, their schedules and availability, and appointments by id. The clinic need not be specified, because
    there is only one.
    """
    clinic = await create_clinic(client)
    provider = (await create(client, "/providers", name="Dr. Amara Shah"))["id"]
    schedule = {"weekly": {"monday": hours("09:00-10:00", "10:00-11:00"), "tuesday": hours("09:00-10:00")}}
    week = await succeed(client.post(f"/api/providers/{provider}/schedule", json=schedule, headers=ADMIN))
    assert [day for day, parts in week["weekly"].items() if parts] == ["monday", "tuesday"]
    await publish(client, clinic, MONDAY, MONDAY + timedelta(days=1))

    async def available():
        (day,) = (await succeed(client.get(f"/api/providers/{provider}/availability?date={MONDAY}")))["days"]
        return starts(day)

    assert await available() == [NINE, TEN]
    ana = await register(client, "Ana Souza")
    appointment = await succeed(
        client.post(
            "/api/appointments", json={"customerId": ana, "doctorId": provider, "startTime": NINE, "endTime": TEN}
        ),
        201,
    )
    path = f"/api/appointments/{appointment['id']}"
    assert (await succeed(client.get(path, headers=ADMIN))) | {"manageToken": appointment["manageToken"]} == appointment
    assert await available() == [TEN]

    moved = await succeed(client.put(path, json={"startTime": TEN}, headers=ADMIN))
    assert (moved["id"], moved["endTime"], moved["version"]) == (appointment["id"], ELEVEN, 2)
    assert await available() == [NINE]

    await succeed(client.delete(f"{path}?reason=feels better", headers=ADMIN), 204)
    cancelled = await succeed(client.get(path, headers=ADMIN))
    assert (cancelled["status"], cancelled["cancelReason"]) == ("cancelled", "feels better")
    assert await available() == [NINE, TEN]


async def test_appointment_types_determine_times_and_the_clinic_chooses_a_doctor(client):
    """Lengths by appointment type, no fixed-length slots, a table of available and unavailable times, and a doctor
    chosen by the clinic.
    """
    clinic = await create_clinic(client, policy={"slotStepMinutes": 30, "doctorChoice": "leastBusy"})
    doctors = [
        (await create(client, f"/clinics/{clinic}/doctors", name=name))["id"] for name in ("Dr. Aaron", "Dr. Zuri")
    ]
    for doctor in doctors:
        await open_hours(client, clinic, doctor, "09:00-10:30")
    first_visit = (await create(client, f"/clinics/{clinic}/appointmentTypes", name="First visit", minutes=60))["id"]
    patients = [await register(client, name) for name in ("Ana Souza", "Ben Okafor", "Chi Tanaka")]

    async def book(patient, start):
        body = {"clinicId": clinic, "customerId": patient, "appointmentTypeId": first_visit, "startTime": start}
        return await client.post("/api/appointments", json=body)

    appointments = [await succeed(book(patient, NINE), 201) for patient in patients[:2]]
    assert {appointment["doctorId"] for appointment in appointments} == set(doctors)
    assert [appointment["endTime"] for appointment in appointments] == [TEN] * 2
    refusal = await book(patients[2], NINE)
    assert (refusal.status_code, refusal.json()["reason"], refusal.json()["alternatives"]) == (409, "taken", [])
    assert (await book(patients[2], ELEVEN)).json()["reason"] == "outside-hours"

    await succeed(client.delete(f"/api/appointments/{appointments[1]['id']}", headers=ADMIN), 204)
    last = MONDAY + timedelta(days=2)
    table = await succeed(
        client.get(
            f"/api/clinics/{clinic}/availability?from={MONDAY}&to={last}&appointmentTypeId={first_visit}&show=all"
        )
    )
    monday, tuesday, wednesday = table["days"]
    assert sorted((slot["startTime"], slot["doctorId"], slot["available"]) for slot in monday["slots"]) == sorted(
        (start, doctor, doctor == appointments[1]["doctorId"]) for start in (NINE, HALF_PAST_NINE) for doctor in doctors
    )
    assert [(day["date"], day["free"], day["slots"]) for day in (tuesday, wednesday)] == [
        (str(last - timedelta(days=n)), 0, []) for n in (1, 0)
    ]
    assert monday["free"] == 2
    assert table["nextAvailable"]["doctorId"] == appointments[1]["doctorId"]
    unknown = await client.get(f"/api/clinics/{clinic}/availability?date={MONDAY}&appointmentTypeId={doctors[0]}")
    assert unknown.status_code == 404


async def test_concurrent_bookings_and_changes_never_overwrite_each_other(client, db):
    """Concurrency, optimistic locking, a large list in pages, and an event for the booking."""
    clinic = await create_clinic(client, policy={"requireVersion": True})
    doctor = (await create(client, f"/clinics/{clinic}/doctors", name="Dr. Amara Shah"))["id"]
    await succeed(
        client.put(
            f"/api/doctors/{doctor}/schedule",
            json={"weekly": {"monday": hours("09:00-11:00")}},
            headers=ADMIN | {"If-Match": "*"},
        )
    )
    await publish(client, clinic)
    racers = [await register(client, f"Racer {number}") for number in range(12)]

    body = {"doctorId": doctor, "startTime": NINE, "endTime": on_monday("09:10")}
    responses = await asyncio.gather(
        *(client.post("/api/appointments", json=body | {"customerId": racer}) for racer in racers)
    )
    assert sorted(response.status_code for response in responses) == [201] + [409] * 11
    assert {response.json()["reason"] for response in responses if response.status_code == 409} == {"taken"}
    assert await db.fetchval("select count(*) from event where type = 'appointment.booked'") == 1

    winner = next(response for response in responses if response.status_code == 201)
    path, if_match = winner.headers["Location"], {"If-Match": winner.headers["ETag"]}
    assert (await client.put(path, json={"startTime": TEN}, headers=ADMIN)).status_code == 428
    moves = await asyncio.gather(
        *(client.put(path, json={"startTime": start}, headers=ADMIN | if_match) for start in (TEN, HALF_PAST_TEN))
    )
    assert sorted(move.status_code for move in moves) == [200, 412]

    for minute, racer in zip(range(0, 60, 5), racers, strict=True):
        times = {"startTime": on_monday(f"09:{minute:02}"), "endTime": on_monday(f"09:{minute + 4:02}")}
        booking = {"customerId": racer, "doctorId": doctor, **times}
        await succeed(client.post("/api/appointments", json=booking, headers=ADMIN), 201)  # staff may book any minute
    sizes, starts_listed, next_page = [], [], f"/api/clinics/{clinic}/appointments?limit=5"
    while next_page:
        page = await client.get(next_page, headers=ADMIN)
        sizes.append(len(page.json()["items"]))
        starts_listed += [appointment["startTime"] for appointment in page.json()["items"]]
        next_page = page.links["next"]["url"] if page.json()["next"] else None
    assert sizes == [5, 5, 3]
    assert starts_listed == sorted(starts_listed)
