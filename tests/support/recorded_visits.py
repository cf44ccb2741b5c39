"""Video visits that are recorded at Daily."""

import base64
import hmac
import json
from datetime import timedelta

import msgspec

from appoint.calls.joining import links
from appoint.calls.providers.gateway import Providers
from appoint.calls.providers.model import room_name
from appoint.calls.recordings import events, jobs
from appoint.calls.rooms.repository import reconcile
from appoint.calls.settings import repository as settings_repository
from appoint.kit import clock
from appoint.kit.blobs import BlobStore
from appoint.kit.cache import ClinicCache
from support.appointments import create_world
from support.call_providers import DAILY, FakeDaily
from support.calls import SECRET, begin_at, book_online
from support.staff import add_user, bearer, works_at

VIDEO = b"moving pictures of Ana " * 10_000
HMAC = base64.b64encode(b"a key that Daily chose").decode()


class RecordedVisit:
    """Ana's video visit with Dr Shah at a clinic with Daily, which has recorded it."""

    def __init__(self, client, world, appointment, store: BlobStore) -> None:
        self.client, self.world, self.db, self.id = client, world, world.db, appointment.id
        self.store = store
        self.daily = FakeDaily()
        self.daily.recordings["rec-1"] = VIDEO
        self.page = f"/join/{links.code(SECRET, appointment.id)}"
        self.staff_page = f"/staff/{world.clinic}/appointments/{appointment.id}"
        self.webhook = f"/api/calls/events/daily/{world.clinic}"

    async def begin(self) -> None:
        """Let the visit start in a few minutes, with its call open."""
        await settings_repository.save(
            self.db,
            clinic_id=self.world.clinic,
            gateway="daily",
            connection=msgspec.structs.replace(DAILY, webhook_secret=HMAC),
            opens_before_minutes=15,
            phone=None,
            recording="onConsent",
        )
        await begin_at(self.db, self.id, clock.now() + timedelta(minutes=5))
        await self.db.execute("delete from call")
        await reconcile(self.db, [(self.world.clinic, self.id)], default_gateway=None, now=clock.now())
        await self.db.execute("update call set state = 'open', due_at = null, opened_at = now()")

    @property
    def copier(self) -> jobs.RecordingCopier:
        providers = Providers("", SECRET, None, self.daily, self.daily.download)
        return jobs.RecordingCopier(self.db, providers, self.store, clock.now)

    async def sign_in(self, email: str, role: str, doctor_id=None, clinic: int = 0) -> dict[str, str]:
        user = await add_user(self.db, email)
        await works_at(self.db, user, clinic or self.world.clinic, role, doctor_id)
        return await bearer(self.client, email)

    async def agree(self) -> None:
        await self.client.post(f"{self.page}/recording", data={"agrees": "yes"})

    async def decide(self) -> dict[str, str]:
        """Let the doctor decide to record the visit."""
        doctor = await self.sign_in("shah@example.org", "doctor", self.world.dr_shah)
        await self.client.post(f"{self.staff_page}/call", data={"act": "record"}, headers=doctor)
        return doctor

    async def report(self, recording_id: str = "rec-1", **changes):
        call_id = await self.db.fetchval("select id from call")
        payload = {"room_name": room_name(SECRET, call_id), "recording_id": recording_id}
        return await self.send({"type": events.READY, "payload": payload} | changes)

    async def send(self, event: object, *, key: str = HMAC, sent_at: float | None = None):
        body, timestamp = json.dumps(event).encode(), str(int(sent_at or clock.now().timestamp()))
        signature = hmac.digest(base64.b64decode(key), f"{timestamp}.".encode() + body, "sha256")
        headers = {"X-Webhook-Signature": base64.b64encode(signature).decode(), "X-Webhook-Timestamp": timestamp}
        return await self.client.post(self.webhook, content=body, headers=headers)

    async def work(self) -> None:
        """Run the jobs until nothing is due."""
        while leased := await jobs.lease(self.copier, 4):
            for recording in leased:
                await jobs.attempt(self.copier, recording)

    async def record(self) -> dict[str, str]:
        """Turn all three keys, and record the visit."""
        await self.begin()
        await self.agree()
        doctor = await self.decide()
        await self.report()
        await self.work()
        return doctor

    async def recordings(self) -> list[str]:
        return [row.state for row in await self.db.fetch("select state from recording")]

    def files(self) -> list[bytes]:
        return [path.read_bytes() for path in self.store.directory.rglob("*") if path.is_file()]

    def is_gone(self) -> bool:
        return self.files() == [] and self.daily.recordings == {}


async def create_visit(db, client, directory) -> RecordedVisit:
    async with ClinicCache(None) as cache:
        world = await create_world(db, cache)
        world.now = clock.now()
        appointment = await book_online(world, world.nine)
    return RecordedVisit(client, world, appointment, BlobStore(None, directory))
