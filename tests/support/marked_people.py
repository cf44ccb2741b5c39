"""People with data that is unlike anyone else's, and the features that they use."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2

from appoint.calls.joining import links
from appoint.database.pool import Database
from support.app import ADMIN
from support.partner import Partner
from support.world import publish_slot

JITSI = {
    "gateway": "jitsi",
    "url": "https://meet.example.org",
    "appId": "lakeside",
    "secret": "qzxvqjjitsi00, a secret that only this clinic knows",
}
SECRET = "a secret for tests"


class Person:
    """A numbered person whose data is unlike anyone else's."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.id = ""
        self.visits: list[str] = []

    def mark(self, kind: str) -> str:
        return f"qzxvqj{kind}{self.number:02}"

    @property
    def details(self) -> dict[str, Any]:
        return {
            "name": f"Xanthippe {self.mark('name')}",
            "email": f"{self.mark('mail')}@example.org",
            "phone": f"+493015550{self.number:04}",
            "birthDate": str((datetime(1901, 2, 1, tzinfo=UTC) + timedelta(days=self.number)).date()),
        }


class World:
    """The clinic, accessed over HTTP, and the error responses it has returned."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http
        self.problems: list[str] = []
        self.call_secrets: set[str] = set()
        """Rooms, tokens and join links, which must not be stored or sent to partners."""

    async def request(
        self, method: str, path: str, *, expected: int = 200, key: str | None = None, **options: Any
    ) -> Any:
        headers = {**ADMIN, **({"Idempotency-Key": key} if key else {}), **options.pop("headers", {})}
        response = await self.http.request(method, path, headers=headers, **options)
        while response.status_code == 503:  # on a busy machine, a request may wait too long for a lock or a connection
            self.problems.append(response.text)
            await asyncio.sleep(int(response.headers["Retry-After"]))
            response = await self.http.request(method, path, headers=headers, **options)
        assert response.status_code == expected, (method, path, response.status_code, response.text)
        if response.status_code >= 400:
            self.problems.append(response.text)
        return response.json() if response.content and "json" in response.headers["Content-Type"] else response

    async def set_up(self, db: Database, partner: Partner) -> None:
        self.db = db
        # Video visits start in a few minutes and must not cross midnight, so it's about noon at this clinic.
        west = datetime.now(UTC).hour - 12
        self.clinic = (
            await self.request(
                "POST", "/api/clinics", expected=201, json={"name": "Lakeside", "timeZone": f"Etc/GMT{west:+d}"}
            )
        )["id"]
        self.doctor = (
            await self.request("POST", f"/api/clinics/{self.clinic}/doctors", expected=201, json={"name": "Dr Shah"})
        )["id"]
        await self.request("POST", f"/api/clinics/{self.clinic}/webhooks", expected=201, json={"url": partner.url})
        await self.request("PUT", f"/api/clinics/{self.clinic}/callSettings", json=JITSI)
        self.video_type = (
            await self.request(
                "POST",
                f"/api/clinics/{self.clinic}/appointmentTypes",
                expected=201,
                json={"name": "Video visit", "minutes": 30, "mode": "online"},
            )
        )["id"]
        self.start = (datetime.now(UTC) + timedelta(days=3)).replace(hour=0, minute=0, second=0, microsecond=0)
        for day in range(3):
            await publish_slot(
                db, self.doctor, self.start + timedelta(days=day), self.start + timedelta(days=day, hours=23)
            )

    async def use_every_feature(self, person: Person) -> None:
        """Call every operation that customers can call or that concerns them."""
        request, mark, first_start = self.request, person.mark, self.start + timedelta(minutes=20 * person.number)
        created = await request(
            "POST",
            "/api/customers",
            expected=201,
            json=person.details,
            key=mark("key"),
            headers={"User-Agent": mark("agent")},
        )
        person.id = created["id"]
        address, patient = f"/api/customers/{person.id}", f"/api/clinics/{self.clinic}/patients/{person.id}"
        when = {"clinicId": self.clinic, "doctorId": self.doctor, "customerId": person.id, "notes": mark("wish")}

        def at(day: int) -> dict[str, str]:
            start = first_start + timedelta(days=day)
            return {"startTime": start.isoformat(), "endTime": (start + timedelta(minutes=20)).isoformat()}

        appointment = await request("POST", "/api/appointments", expected=201, json={**when, **at(0)}, key=mark("key"))
        hold = (
            await request("POST", "/api/bookings", expected=201, json={**when, **at(1), "hold": True}, key=mark("book"))
        )["appointments"][0]
        person.visits = [appointment["id"], hold["id"]]
        await request("POST", "/api/appointments", expected=409, json={**when, **at(0)}, key=mark("again"))
        await request("POST", f"/api/appointments/{hold['id']}/confirm")
        await request("PATCH", f"/api/appointments/{appointment['id']}", json={"notes": mark("note")})
        await request("PUT", f"/api/appointments/{hold['id']}", json=at(2))
        await request("PATCH", patient, json={"notes": mark("chart"), "recordNumber": mark("record")})
        await request(
            "PATCH",
            address,
            json={
                "locale": "de",
                "name": person.details["name"] + " " + mark("later"),
                "postalAddress": f"{mark('street')}\n10115 Berlin",
            },
        )
        await request("PUT", f"{address}/notificationPreferences", json={"email": True, "sms": True})
        query = (mark("name"), person.details["email"], person.details["phone"])[person.number % 3]
        await request("GET", "/api/customers", params={"q": query})
        await request("GET", f"/api/clinics/{self.clinic}/patients", params={"q": query})
        await request("GET", patient)
        if person.number % 4 == 0:
            await self.visit_by_video(person)
        await request("GET", f"{address}/appointments")
        await request("GET", f"{address}/export")
        await request("GET", f"{address}/export", headers={"Accept": "text/html"})
        if person.number % 5 < 2:
            await self.cause_errors(person, when, at)
        await request(
            "DELETE", f"/api/appointments/{appointment['id']}", expected=204, params={"reason": mark("reason")}
        )

    async def visit_by_video(self, person: Person) -> None:
        """Let the person and a guest join a video visit that starts in a few minutes."""
        doctor = await self.request(
            "POST", f"/api/clinics/{self.clinic}/doctors", expected=201, json={"name": f"Dr {person.number}"}
        )
        start = (datetime.now(UTC) + timedelta(minutes=10)).replace(second=0, microsecond=0)
        await publish_slot(self.db, doctor["id"], start - timedelta(hours=1), start + timedelta(hours=1))
        body = {"doctorId": doctor["id"], "customerId": person.id, "appointmentTypeId": self.video_type}
        booked = await self.request(
            "POST", "/api/appointments", expected=201, json=body | {"startTime": start.isoformat()}
        )
        person.visits.append(booked["id"])
        call = f"/api/appointments/{booked['id']}/call"
        async with asyncio.timeout(60):
            while (await self.http.get(call, headers=ADMIN)).json().get("state") != "made":
                await asyncio.sleep(0.1)
        guest = await self.request(
            "POST", f"/api/appointments/{booked['id']}/guests", expected=201, json={"name": person.mark("guest")}
        )
        await self.db.execute(
            "update call set state = 'open', opened_at = now() where appointment_id = $1", booked["id"]
        )
        for code in (links.code(SECRET, UUID(booked["id"])), guest["joinUrl"].rpartition("/")[2]):
            await self.request("GET", f"/join/{code}")
            await self.request("POST", f"/join/{code}/wait", expected=303)
            entered = await self.request("POST", f"/join/{code}/enter", expected=303)
            room, _, token = entered.headers["Location"].removeprefix(JITSI["url"] + "/").partition("?jwt=")
            assert (len(room), token.count(".")) == (64, 2)
            self.call_secrets |= {code, room, token.rpartition(".")[2]}

    async def cause_errors(self, person: Person, when: dict[str, Any], at: Any) -> None:
        request, mark = self.request, person.mark
        await request(
            "POST",
            "/api/customers",
            expected=400,
            json={"name": mark("wrong"), "email": f"{mark('mail')} at example", "phone": mark("phone")},
        )
        await request(
            "POST",
            "/api/customers",
            expected=400,
            content=f'{{"name": "{mark("wrong")}',
            headers={"Content-Type": "application/json"},
        )
        await request("POST", "/api/customers", expected=400, json={**person.details, "birthDate": "2901-02-01"})
        await request("POST", "/api/customers", expected=422, json={"name": mark("other")}, key=mark("key"))
        await request("GET", "/api/customers", expected=400, params={"q": mark("name") * 40})
        await request("GET", "/api/customers", expected=400, params={"cursor": mark("cursor")})
        await request("POST", "/api/appointments", expected=400, json={**when, **at(0), "endTime": mark("time")})
        if person.number:  # the record number is taken, which the database reports in its own words
            first = f"/api/clinics/{self.clinic}/patients/{person.id}"
            await request("PATCH", first, expected=409, json={"recordNumber": Person(0).mark("record")})

    async def erase(self, person: Person) -> None:
        for visit in person.visits:
            await self.request(
                "DELETE", f"/api/appointments/{visit}", expected=204, params={"reason": person.mark("reason")}
            )
        await self.request("POST", f"/api/customers/{person.id}/erase", key=person.mark("erase"))
