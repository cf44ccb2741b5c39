"""Video visits as patients and doctors see them."""

from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from appoint.calls.joining import links
from appoint.calls.rooms.repository import reconcile
from appoint.kit import clock
from support.calls import SECRET, begin_at, maker_of, run_jobs
from support.staff import add_user, bearer, works_at

WINDOWS = {"before": timedelta(hours=3), "within": timedelta(minutes=5), "after": timedelta(hours=-3)}


class VisitWorld:
    """Ana's video visit with Dr Shah, and a client."""

    def __init__(self, db, client, world, appointment) -> None:
        self.db, self.client, self.world, self.id = db, client, world, appointment.id
        self.page = f"/join/{links.code(SECRET, appointment.id)}"
        self.staff_page = f"/staff/{world.clinic}/appointments/{appointment.id}/call"

    async def begin(self, after: timedelta = timedelta(minutes=5)) -> None:
        """Let the visit start after that time, with its room made."""
        await begin_at(self.db, self.id, clock.now() + after)
        await self.db.execute("delete from call")
        await reconcile(self.db, [(self.world.clinic, self.id)], default_gateway="demo", now=clock.now())
        self.world.now = clock.now()
        await run_jobs(self.world, maker_of(self.world))

    async def sign_in(self, email: str, role: str, doctor_id: UUID | None = None, clinic: int = 0) -> dict[str, str]:
        user = await add_user(self.db, email)
        await works_at(self.db, user, clinic or self.world.clinic, role, doctor_id)
        return await bearer(self.client, email)

    async def get(self, page: str = "", headers: dict[str, str] | None = None) -> str:
        return (await self.client.get(page or self.page, headers={"Accept-Language": "en"} | (headers or {}))).text

    async def press(self, button: str, page: str = ""):
        return await self.client.post(f"{page or self.page}/{button}")

    async def open(self, headers: dict[str, str]):
        return await self.client.post(self.staff_page, data={"act": "open"}, headers=headers)


def is_room(response) -> bool:
    return response.status_code == 303 and urlsplit(response.headers["Location"]).path.startswith("/dev/calls/")
