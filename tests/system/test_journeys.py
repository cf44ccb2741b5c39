"""One journey for each of the systems that Appoint is the union of, told with that system's own endpoints and words."""

import asyncio
from datetime import timedelta

from support.app import ADMIN
from support.hours import COMING_MONDAY as MONDAY
from support.hours import hours, local


def on_monday(wall_time):
    """That Monday's instant in Berlin, where the clinics of these journeys are, as the API writes it."""
    return f"{local(MONDAY, wall_time):%Y-%m-%dT%H:%M:%SZ}"


NINE, HALF_PAST_NINE, TEN, HALF_PAST_TEN, ELEVEN = map(on_monday, ("09:00", "09:30", "10:00", "10:30", "11:00"))
NEXT_MONDAY = MONDAY + timedelta(days=7)


async def done(request, status=200):
    """What a request that must succeed answers."""
    answer = await request
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def made(client, path, **members):
    return await done(client.post(f"/api{path}", json=members, headers=ADMIN), 201)


async def register(client, name):
    """Anybody may register, and gets an id to book with."""
    return (await done(client.post("/api/customers", json={"name": name}), 201))["id"]


async def a_clinic(client, **more):
    return (await made(client, "/clinics", name="Lakeside Clinic", timeZone="Europe/Berlin", **more))["id"]


async def open_hours(client, clinic, doctor, *spans):
    """The doctor works so every Monday, and the coming ones are published."""
    await done(client.put(f"/api/doctors/{doctor}/schedule", json={"weekly": {"monday": hours(*spans)}}, headers=ADMIN))
    await publish(client, clinic)


async def publish(client, clinic, first=MONDAY, last=MONDAY):
    return await done(
        client.post(
            "/api/availability/createBookingSlots",
            json={"clinicId": clinic, "from": str(first), "to": str(last)},
            headers=ADMIN,
        )
    )


def starts(day):
    return [slot["startTime"] for slot in day["slots"]]


async def test_a_service_is_booked_in_a_clinic_and_a_repeated_request_books_it_once(client):
    """Bookings of a service; many elements, tracing, localisation, idempotency."""
    clinic = await a_clinic(client)
    doctor = (await made(client, f"/clinics/{clinic}/doctors", name="Dr. Amara Shah"))["id"]
    service = (await made(client, f"/clinics/{clinic}/appointmentTypes", name="Check-up", minutes=60))["id"]
    await open_hours(client, clinic, doctor, "09:00-11:00")

    free = f"/api/clinics/{clinic}/freeslots/{MONDAY}?appointmentTypeId={service}"
    (day,) = (await done(client.get(free)))["days"]
    assert NINE in starts(day)

    ana, ben = await register(client, "Ana Souza"), await register(client, "Ben Okafor")
    wish = {"clinicId": clinic, "customerId": ana, "doctorId": doctor, "startTime": NINE, "appointmentTypeId": service}
    first, again = [
        await client.post(
            "/api/bookings", json=wish, headers={"Idempotency-Key": "ana-monday", "X-Request-ID": "from-the-app"}
        )
        for _ in range(2)
    ]
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["X-Request-ID"] == "from-the-app"

    refused = await client.post(
        "/api/bookings", json=wish | {"customerId": ben}, headers={"Accept-Language": "de-AT, de;q=0.9"}
    )
    assert (refused.status_code, refused.json()["reason"], refused.headers["Content-Language"]) == (409, "taken", "de")
    assert TEN in [offer["startTime"] for offer in refused.json()["alternatives"]]

    booking = await done(client.get(first.headers["Location"], headers=ADMIN))
    assert [appointment["startTime"] for appointment in booking["appointments"]] == [NINE]
    listed = await client.get(f"/api/clinics/{clinic}/bookings?from={MONDAY}&to={MONDAY}&limit=1", headers=ADMIN)
    assert listed.json() == {"items": [booking], "next": None}
    assert listed.headers["Cache-Control"] == "private, no-cache"
    unchanged = await client.get(
        f"/api/clinics/{clinic}/bookings?from={MONDAY}&to={MONDAY}&limit=1",
        headers=ADMIN | {"If-None-Match": listed.headers["ETag"]},
    )
    assert unchanged.status_code == 304

    (day,) = (await done(client.get(free)))["days"]
    assert starts(day) == [TEN]


async def test_a_doctors_slots_are_generated_given_to_customers_and_taken_away(client):
    """Clinics and their doctors, global customers, time slots, slots of doctors, booking slots of days."""
    clinic = await a_clinic(client)
    doctor = (await made(client, f"/clinics/{clinic}/doctors", name="Dr. Amara Shah", specialty="Dermatology"))["id"]
    ana, ben = await register(client, "Ana Souza"), await register(client, "Ben Okafor")

    early = await made(client, f"/clinics/{clinic}/timeslots", name="Early", startTime="09:00", endTime="10:00")
    late = await made(client, f"/clinics/{clinic}/timeslots", name="Late", startTime="10:00", endTime="11:00")
    crossing = await client.post(
        f"/api/clinics/{clinic}/timeslots", json={"startTime": "10:30", "endTime": "11:30"}, headers=ADMIN
    )
    assert crossing.json()["reason"] == "time-slots-intersect"
    for time_slot in (early, late):
        await made(client, f"/doctors/{doctor}/slots", weekday="monday", timeSlotId=time_slot["id"])
    assert [line["timeSlotId"] for line in (await done(client.get(f"/api/doctors/{doctor}/slots")))["items"]] == [
        early["id"],
        late["id"],
    ]

    assert await publish(client, clinic, MONDAY, NEXT_MONDAY) == {"created": 4, "skipped": 0}
    assert await publish(client, clinic, MONDAY, NEXT_MONDAY) == {"created": 0, "skipped": 4}
    monday = f"/api/doctors/{doctor}/bookingSlots?from={MONDAY}&to={MONDAY}"
    nine, ten = (await done(client.get(monday)))["items"]
    assert [(slot["timeSlotId"], slot["date"], slot["source"]) for slot in (nine, ten)] == [
        (each["id"], str(MONDAY), "schedule") for each in (early, late)
    ]

    found = (await done(client.get(f"/api/availability/search?date={MONDAY}&specialty=dermatology")))["items"]
    assert [(time["clinicName"], time["doctorName"], time["startTime"]) for time in found] == [
        ("Lakeside Clinic", "Dr. Amara Shah", slot["startTime"]) for slot in (nine, ten)
    ]

    given = await done(client.put(f"/api/bookingSlots/{nine['id']}", json={"customerId": ana}, headers=ADMIN))
    assert (given["customerId"], [appointment["status"] for appointment in given["appointments"]]) == (ana, ["booked"])
    refused = await client.put(f"/api/bookingSlots/{nine['id']}", json={"customerId": ben}, headers=ADMIN)
    assert (refused.status_code, refused.json()["reason"]) == (409, "taken")
    assert [slot["id"] for slot in (await done(client.get(f"{monday}&status=free")))["items"]] == [ten["id"]]
    assert [
        patient["name"]
        for patient in (await done(client.get(f"/api/clinics/{clinic}/patients", headers=ADMIN)))["items"]
    ] == ["Ana Souza"]

    await done(client.delete(f"/api/bookingSlots/{ten['id']}", headers=ADMIN), 204)
    assert (await publish(client, clinic))["created"] == 0
    for path in (
        f"/api/clinics/{clinic}/availability?date={MONDAY}",
        f"/api/doctors/{doctor}/availability?date={MONDAY}",
    ):
        assert (await done(client.get(path)))["days"] == [{"date": str(MONDAY), "free": 0, "slots": []}]
    by_hand = await made(client, "/bookingSlots", doctorId=doctor, startTime=TEN, endTime=ELEVEN)
    assert (await done(client.get(f"/api/bookingSlots/{by_hand['id']}")))["source"] == "manual"

    in_use = await client.delete(f"/api/clinics/{clinic}", headers=ADMIN)
    assert (in_use.json()["reason"], in_use.json()["doctors"], in_use.json()["timeSlots"]) == ("clinic-in-use", 1, 2)
    assert (await client.delete(f"/api/clinics/{clinic}?cascade=true", headers=ADMIN)).json()[
        "reason"
    ] == "live-appointments"
    await done(client.delete(f"/api/appointments/{given['appointments'][0]['id']}", headers=ADMIN), 204)
    await done(client.delete(f"/api/clinics/{clinic}?cascade=true", headers=ADMIN), 204)
    assert (await done(client.get("/api/clinics")))["items"] == []
    assert (await done(client.get(f"/api/doctors/{doctor}")))["active"] is False


async def test_a_providers_week_is_set_and_an_appointment_made_moved_and_cancelled(client):
    """Providers, their schedule and availability; appointments by id. There is one clinic, which nobody names."""
    clinic = await a_clinic(client)
    provider = (await made(client, "/providers", name="Dr. Amara Shah"))["id"]
    schedule = {"weekly": {"monday": hours("09:00-10:00", "10:00-11:00"), "tuesday": hours("09:00-10:00")}}
    week = await done(client.post(f"/api/providers/{provider}/schedule", json=schedule, headers=ADMIN))
    assert [day for day, parts in week["weekly"].items() if parts] == ["monday", "tuesday"]
    await publish(client, clinic, MONDAY, MONDAY + timedelta(days=1))

    async def available():
        (day,) = (await done(client.get(f"/api/providers/{provider}/availability?date={MONDAY}")))["days"]
        return starts(day)

    assert await available() == [NINE, TEN]
    ana = await register(client, "Ana Souza")
    appointment = await done(
        client.post(
            "/api/appointments", json={"customerId": ana, "doctorId": provider, "startTime": NINE, "endTime": TEN}
        ),
        201,
    )
    at = f"/api/appointments/{appointment['id']}"
    assert (await done(client.get(at, headers=ADMIN))) | {"manageToken": appointment["manageToken"]} == appointment
    assert await available() == [TEN]

    moved = await done(client.put(at, json={"startTime": TEN}, headers=ADMIN))
    assert (moved["id"], moved["endTime"], moved["version"]) == (appointment["id"], ELEVEN, 2)
    assert await available() == [NINE]

    await done(client.delete(f"{at}?reason=feels better", headers=ADMIN), 204)
    cancelled = await done(client.get(at, headers=ADMIN))
    assert (cancelled["status"], cancelled["cancelReason"]) == ("cancelled", "feels better")
    assert await available() == [NINE, TEN]


async def test_appointment_types_fill_a_table_of_days_and_any_doctor_takes_a_patient(client):
    """Lengths by appointment type, no slots cut beforehand, a table with unavailable times filled, a doctor chosen by
    the clinic."""
    clinic = await a_clinic(client, policy={"slotStepMinutes": 30, "doctorChoice": "leastBusy"})
    doctors = [
        (await made(client, f"/clinics/{clinic}/doctors", name=name))["id"] for name in ("Dr. Aaron", "Dr. Zuri")
    ]
    for doctor in doctors:
        await open_hours(client, clinic, doctor, "09:00-10:30")
    first_visit = (await made(client, f"/clinics/{clinic}/appointmentTypes", name="First visit", minutes=60))["id"]
    patients = [await register(client, name) for name in ("Ana Souza", "Ben Okafor", "Chi Tanaka")]

    async def book(patient, start):
        wish = {"clinicId": clinic, "customerId": patient, "appointmentTypeId": first_visit, "startTime": start}
        return await client.post("/api/appointments", json=wish)

    taken = [await done(book(patient, NINE), 201) for patient in patients[:2]]
    assert {appointment["doctorId"] for appointment in taken} == set(doctors)
    assert [appointment["endTime"] for appointment in taken] == [TEN] * 2
    refused = await book(patients[2], NINE)
    assert (refused.status_code, refused.json()["reason"], refused.json()["alternatives"]) == (409, "taken", [])
    assert (await book(patients[2], ELEVEN)).json()["reason"] == "outside-hours"

    await done(client.delete(f"/api/appointments/{taken[1]['id']}", headers=ADMIN), 204)
    last = MONDAY + timedelta(days=2)
    table = await done(
        client.get(
            f"/api/clinics/{clinic}/availability?from={MONDAY}&to={last}&appointmentTypeId={first_visit}&show=all"
        )
    )
    monday, tuesday, wednesday = table["days"]
    assert sorted((slot["startTime"], slot["doctorId"], slot["available"]) for slot in monday["slots"]) == sorted(
        (start, doctor, doctor == taken[1]["doctorId"]) for start in (NINE, HALF_PAST_NINE) for doctor in doctors
    )
    assert [(day["date"], day["free"], day["slots"]) for day in (tuesday, wednesday)] == [
        (str(last - timedelta(days=n)), 0, []) for n in (1, 0)
    ]
    assert monday["free"] == 2
    assert table["nextAvailable"]["doctorId"] == taken[1]["doctorId"]
    unknown = await client.get(f"/api/clinics/{clinic}/availability?date={MONDAY}&appointmentTypeId={doctors[0]}")
    assert unknown.status_code == 404


async def test_many_want_one_time_and_nobody_overwrites_what_somebody_else_changed(client, db):
    """Concurrency, optimistic locking, pages of a large list, events for whatever happens afterwards."""
    clinic = await a_clinic(client, policy={"requireVersion": True})
    doctor = (await made(client, f"/clinics/{clinic}/doctors", name="Dr. Amara Shah"))["id"]
    await done(
        client.put(
            f"/api/doctors/{doctor}/schedule",
            json={"weekly": {"monday": hours("09:00-11:00")}},
            headers=ADMIN | {"If-Match": "*"},
        )
    )
    await publish(client, clinic)
    racers = [await register(client, f"Racer {number}") for number in range(12)]

    wish = {"doctorId": doctor, "startTime": NINE, "endTime": on_monday("09:10")}
    answers = await asyncio.gather(
        *(client.post("/api/appointments", json=wish | {"customerId": racer}) for racer in racers)
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 11
    assert {answer.json()["reason"] for answer in answers if answer.status_code == 409} == {"taken"}
    assert await db.fetchval("select count(*) from event where type = 'appointment.booked'") == 1

    won = next(answer for answer in answers if answer.status_code == 201)
    at, seen = won.headers["Location"], {"If-Match": won.headers["ETag"]}
    assert (await client.put(at, json={"startTime": TEN}, headers=ADMIN)).status_code == 428
    moves = await asyncio.gather(
        *(client.put(at, json={"startTime": start}, headers=ADMIN | seen) for start in (TEN, HALF_PAST_TEN))
    )
    assert sorted(move.status_code for move in moves) == [200, 412]

    for minute, racer in zip(range(0, 60, 5), racers, strict=True):
        times = {"startTime": on_monday(f"09:{minute:02}"), "endTime": on_monday(f"09:{minute + 4:02}")}
        await done(client.post("/api/appointments", json={"customerId": racer, "doctorId": doctor, **times}), 201)
    sizes, listed, more = [], [], f"/api/clinics/{clinic}/appointments?limit=5"
    while more:
        page = await client.get(more, headers=ADMIN)
        sizes.append(len(page.json()["items"]))
        listed += [appointment["startTime"] for appointment in page.json()["items"]]
        more = page.links["next"]["url"] if page.json()["next"] else None
    assert sizes == [5, 5, 3]
    assert listed == sorted(listed)
