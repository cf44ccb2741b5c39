"""A clinic's records, with something written everywhere that people can write."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from support.app import ADMIN
from support.staff import add_user, bearer, works_at
from support.world import create_clinic, create_customer, create_doctor, hours_ahead, publish_slot

WORDS = {
    "appointment.notes": "marzipan",
    "appointment.cancel_reason": "parrotfish",
    "appointment.override_reason": "quicksilver",
    "patient.notes": "xylophone",
    "absence.reason": "meningitis",
    "emergency_access.reason": "thunderstorm",
}
"""A unique word for each column."""


class Records:
    """Lakeside, with an appointment of Ana's that has notes and reasons, and everything else that staff can write."""

    def __init__(self, client, db) -> None:
        self.client, self.db = client, db

    async def call(
        self, method: str, path: str, body: object = None, *, headers: dict[str, str] = ADMIN, status: int = 200
    ) -> Any:
        response = await self.client.request(method, path, json=body, headers=headers)
        assert response.status_code == status, response.text
        return response.json() if response.content else None

    async def add(self) -> None:
        await create_clinic(self.client)
        self.shah, self.okafor = [await create_doctor(self.client, name=name) for name in ("Dr Shah", "Dr Okafor")]
        self.ana, self.ben = [await create_customer(self.client, name=name) for name in ("Ana", "Ben")]
        start = hours_ahead(48).replace(minute=0, second=0, microsecond=0)
        await publish_slot(self.db, self.shah, start, start + timedelta(hours=4))
        self.visits = [
            await self.book(self.ana, start, hours=0),
            await self.book(self.ben, start, hours=1),
            await self.book(self.ana, start, hours=-2, override=True),  # outside hours
        ]
        await works_at(self.db, await add_user(self.db, "o@example.org"), 1, "doctor", UUID(self.okafor))
        self.manager = await self.staff("mia@example.org", "manager")
        reason = WORDS["appointment.cancel_reason"]
        await self.call("DELETE", f"/api/appointments/{self.visits[1]}?reason={reason}", status=204)
        await self.call("PATCH", f"/api/clinics/1/patients/{self.ana}", {"notes": WORDS["patient.notes"]})
        away = {
            "startTime": (start + timedelta(days=30)).isoformat(),
            "endTime": (start + timedelta(days=31)).isoformat(),
            "reason": WORDS["absence.reason"],
        }
        self.absence = await self.call("POST", "/api/clinics/1/absences", away, status=201)
        self.emergency = await self.call(
            "POST",
            f"/api/clinics/1/patients/{self.ana}/emergencyAccess",
            {"reason": WORDS["emergency_access.reason"]},
            headers=await bearer(self.client, "o@example.org"),
            status=201,
        )
        self.webhook = await self.call("POST", "/api/clinics/1/webhooks", {"url": "https://8.8.8.8/"}, status=201)

    async def staff(self, email: str, role: str) -> dict[str, str]:
        await works_at(self.db, await add_user(self.db, email), 1, role)
        return await bearer(self.client, email)

    async def book(self, customer: str, start: datetime, *, hours: int, override: bool = False) -> str:
        begin = start + timedelta(hours=hours)
        body = {
            "customerId": customer,
            "doctorId": self.shah,
            "startTime": begin.isoformat(),
            "endTime": (begin + timedelta(minutes=30)).isoformat(),
            "notes": f"{WORDS['appointment.notes']} {hours}",
        }
        if override:
            body["override"] = {"allow": ["outside-hours"], "reason": WORDS["appointment.override_reason"]}
        booked = await self.call("POST", "/api/appointments", body, status=201)
        assert booked["notes"] == body["notes"]
        self.token = booked["manageToken"]
        return booked["id"]
