"""Staff cancel, move and ask to rebook several appointments in one step."""

from datetime import timedelta

import pytest

from support.app import ADMIN
from support.callers import accept_callers, headers_of, staff
from support.world import create_clinic, create_customer, create_doctor, hours_ahead, publish_slot

START = (hours_ahead(0) + timedelta(days=3)).replace(hour=9, minute=0, second=0, microsecond=0)


class Desk:
    """A clinic with two doctors, and appointments with the first one at nine, ten and eleven."""

    def __init__(self, client, db) -> None:
        self.client, self.db = client, db

    async def open(self):
        self.clinic = await create_clinic(
            self.client, policy={"changeGraceMinutes": 0, "cancelNoticeMinutes": 7 * 24 * 60}
        )
        self.shah, self.okafor = await create_doctor(self.client), await create_doctor(self.client)
        for doctor in (self.shah, self.okafor):
            await publish_slot(self.db, doctor, START, START + timedelta(hours=8))
        self.appointments = [await self.book(self.shah, START + timedelta(hours=hour)) for hour in range(3)]
        accept_callers(self.client, staff(self.clinic, self.shah))
        return self

    async def book(self, doctor, start):
        customer = await create_customer(self.client, email="ana@example.org")
        end = start + timedelta(minutes=30)
        when = {"startTime": start.isoformat(), "endTime": end.isoformat()}
        body = {"customerId": customer, "doctorId": doctor} | when
        response = await self.client.post("/api/appointments", json=body, headers=ADMIN)
        return response.json()["id"]

    async def send(self, action, body, *, caller="receptionist"):
        path = f"/api/clinics/{self.clinic}/appointments/{action}"
        return await self.client.post(path, json=body, headers=headers_of(caller))

    async def undo(self, response):
        return await self.client.post(response.json()["undo"]["url"], headers=headers_of("receptionist"))

    async def statuses(self):
        rows = await self.db.fetch("select status from appointment order by lower(during), id")
        return [row.status for row in rows]

    async def need_rebooking(self):
        await self.db.execute("update appointment set needs_rebooking = true")


@pytest.fixture
async def desk(client, db):
    return await Desk(client, db).open()


def selected(ids, **members):
    return [{"id": id} | members for id in ids]


async def test_several_appointments_are_cancelled_and_restored_in_one_step(desk):
    response = await desk.send("cancel", {"appointments": selected(desk.appointments), "reason": "Closed"})
    outcome = response.json()
    assert (response.status_code, outcome["count"], outcome["unchanged"]) == (200, 3, [])
    assert [each["advisories"][0]["rule"] for each in outcome["appointments"]] == ["too-late"] * 3
    assert await desk.statuses() == ["cancelled"] * 3
    undone = (await desk.undo(response)).json()
    assert ([each["id"] for each in undone["appointments"]], undone["notUndone"]) == (desk.appointments, [])
    assert await desk.statuses() == ["booked"] * 3
    again = await desk.undo(response)
    assert (again.status_code, again.json()["reason"]) == (409, "nothing-to-undo")


async def test_appointments_are_handed_over_to_a_colleague_who_is_free(desk):
    await desk.book(desk.okafor, START + timedelta(hours=1))
    moves = selected(desk.appointments, doctorId=desk.okafor)
    outcome = (await desk.send("move", {"appointments": moves})).json()
    assert [each["id"] for each in outcome["appointments"]] == [desk.appointments[0], desk.appointments[2]]
    assert {each["doctorId"] for each in outcome["appointments"]} == {desk.okafor}
    assert outcome["unchanged"] == [
        {"appointmentId": desk.appointments[1], "reason": "taken", "title": "That time is taken"}
    ]


async def test_an_outdated_version_changes_nothing(desk):
    outcome = (await desk.send("cancel", {"appointments": selected(desk.appointments[:1], version=9)})).json()
    assert (outcome["count"], outcome["undo"], outcome["unchanged"][0]["reason"]) == (0, None, "version-mismatch")


async def test_doctors_change_only_their_own_appointments(desk):
    other = await desk.book(desk.okafor, START)
    outcome = (
        await desk.send("cancel", {"appointments": selected([other, desk.appointments[0]])}, caller="doctor")
    ).json()
    assert ([each["id"] for each in outcome["appointments"]], outcome["unchanged"][0]["reason"]) == (
        desk.appointments[:1],
        "forbidden",
    )
    moves = selected(desk.appointments[1:2], doctorId=desk.okafor)
    refused = (await desk.send("move", {"appointments": moves}, caller="doctor")).json()
    assert [each["reason"] for each in refused["unchanged"]] == ["forbidden"]


async def test_an_appointment_cannot_appear_twice(desk):
    response = await desk.send("cancel", {"appointments": selected(desk.appointments[:1] * 2)})
    assert [error["pointer"] for error in response.json()["errors"]] == ["#/appointments"]


async def test_patients_are_asked_to_choose_a_new_time_only_if_they_have_to(desk):
    body = {"appointments": selected(desk.appointments), "by": "link"}
    refused = await desk.send("askToRebook", body)
    assert (refused.status_code, refused.json()["reason"]) == (409, "no-rebooking-needed")
    await desk.need_rebooking()
    asked = await desk.send("askToRebook", body)
    assert asked.json()["count"] == 3
    path = f"/api/clinics/{desk.clinic}/appointmentsToRebook"
    listed = (await desk.client.get(path, headers=headers_of("receptionist"))).json()
    assert [each["rebookBy"] for each in listed["appointments"]] == ["link"] * 3
    assert (await desk.undo(asked)).status_code == 200
    listed = (await desk.client.get(path, headers=headers_of("receptionist"))).json()
    assert [each["rebookBy"] for each in listed["appointments"]] == [None] * 3


async def test_patients_without_an_address_are_put_on_the_call_list(desk):
    await desk.need_rebooking()
    await desk.db.execute("update customer set email = null")
    body = {"appointments": selected(desk.appointments), "by": "link"}
    await desk.send("askToRebook", body)
    rows = await desk.db.fetch("select rebook_by from appointment")
    assert {row.rebook_by for row in rows} == {"phone"}


async def test_no_two_appointments_get_the_same_suggested_time(desk):
    await desk.need_rebooking()
    path = f"/api/clinics/{desk.clinic}/appointmentsToRebook?doctorId={desk.shah}"
    listed = (await desk.client.get(path, headers=headers_of("receptionist"))).json()
    offers = [
        (offer["doctorId"], offer["startTime"]) for each in listed["appointments"] for offer in each["suggestions"]
    ]
    assert len(offers) == len(set(offers)) >= 9
    assert listed["colleagues"] == [{"doctorId": desk.okafor, "appointmentIds": desk.appointments}]
