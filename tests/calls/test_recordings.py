"""A recording is stored only with all three keys, and leaves nothing behind."""

import base64
import hmac
import json
from datetime import timedelta

import msgspec
import pytest

from appoint.calls.joining import links
from appoint.calls.providers.gateway import Providers
from appoint.calls.providers.model import room_name
from appoint.calls.recordings import events, jobs, repository, service
from appoint.calls.rooms.repository import reconcile
from appoint.calls.settings import repository as settings_repository
from appoint.kit import clock
from appoint.kit.blobs import BlobStore
from appoint.kit.cache import ClinicCache
from support.app import composed
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

    async def begin(self, policy: str = "onConsent") -> None:
        """Let the visit start in a few minutes, with its call open."""
        await settings_repository.save(
            self.db,
            clinic_id=self.world.clinic,
            gateway="daily",
            connection=msgspec.structs.replace(DAILY, webhook_secret=HMAC),
            opens_before_minutes=15,
            phone=None,
            recording=policy,
        )
        await begin_at(self.db, self.id, clock.now() + timedelta(minutes=5))
        await self.db.execute("delete from call")
        await reconcile(self.db, [(self.world.clinic, self.id)], default_gateway=None, now=clock.now())
        await self.db.execute("update call set state = 'open', due_at = null, opened_at = now()")

    @property
    def archivist(self) -> jobs.Archivist:
        providers = Providers("", SECRET, None, self.daily, self.daily.download)
        return jobs.Archivist(self.db, providers, self.store, clock.now)

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
        return await self.client.post("/api/calls/events/daily", content=body, headers=headers)

    async def work(self) -> None:
        """Run the jobs until nothing is due."""
        while leased := await jobs.lease(self.archivist, 4):
            for recording in leased:
                await jobs.attempt(self.archivist, recording)

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


@pytest.fixture
async def visit(db, client, tmp_path):
    async with ClinicCache(None) as cache:
        world = await create_world(db, cache)
        world.now = clock.now()
        appointment = await book_online(world, world.nine)
    return RecordedVisit(client, world, appointment, BlobStore(None, tmp_path))


@pytest.fixture
def app_store(client, database_url, tmp_path, monkeypatch) -> BlobStore:
    """The application's own store, in this test's folder."""
    store = composed(database_url).state.services.get(BlobStore)
    monkeypatch.setattr(store, "directory", tmp_path / "app")
    monkeypatch.setattr(store, "_opened", None)
    return store


async def test_with_all_three_keys_the_recording_moves_to_our_store(visit):
    await visit.record()
    assert (await visit.recordings(), visit.daily.recordings) == (["stored"], {})
    (content,) = visit.files()
    assert (len(content) > len(VIDEO), VIDEO[:23] in content) == (True, False)


@pytest.mark.parametrize("missing", ["policy", "consent", "decision"])
async def test_without_any_of_the_keys_nothing_is_stored(visit, missing):
    await visit.begin("forbidden" if missing == "policy" else "onConsent")
    if missing != "consent":
        await visit.agree()
    if missing != "decision":
        await visit.decide()
    assert (await visit.report()).status_code == 200
    await visit.work()
    assert (await visit.recordings(), visit.is_gone()) == ([], True)


async def test_only_a_doctor_with_consent_gets_a_token_that_can_record(visit):
    await visit.begin()
    terms = await service.find_terms(visit.db, visit.id)
    assert not terms.allows_recording
    await visit.agree()
    await visit.decide()
    assert (await service.find_terms(visit.db, visit.id)).allows_recording


async def test_withdrawing_consent_deletes_the_recording(visit):
    await visit.record()
    await visit.client.post(f"{visit.page}/recording/withdraw")
    assert await visit.db.fetchval("select key from recording") is None
    await visit.work()
    assert (await visit.recordings(), visit.is_gone()) == ([], True)


async def test_consent_that_is_withdrawn_while_the_recording_is_copied_leaves_nothing(visit):
    await visit.begin()
    await visit.agree()
    await visit.decide()
    await visit.report()
    (leased,) = await jobs.lease(visit.archivist, 4)
    await visit.client.post(f"{visit.page}/recording/withdraw")
    await jobs.attempt(visit.archivist, leased)
    await visit.db.execute("update recording set due_at = now(), leased_until = null")
    await visit.work()
    assert (await visit.recordings(), visit.is_gone()) == ([], True)


async def test_a_recording_is_deleted_when_its_retention_period_is_over(visit):
    await visit.record()
    assert await repository.expire(visit.db, now=clock.now() + timedelta(days=29)) == 0
    assert await repository.expire(visit.db, now=clock.now() + timedelta(days=30)) == 1
    await visit.db.execute("update recording set due_at = now()")
    await visit.work()
    assert (await visit.recordings(), visit.is_gone()) == ([], True)


async def test_a_copy_expires_even_if_the_provider_never_deletes_its_own(visit):
    await visit.begin()
    await visit.agree()
    await visit.decide()
    await visit.report()
    (leased,) = await jobs.lease(visit.archivist, 4)
    await jobs.attempt(visit.archivist, leased)
    assert await visit.recordings() == ["copied"]
    assert await repository.expire(visit.db, now=clock.now() + timedelta(days=29)) == 0
    assert await repository.expire(visit.db, now=clock.now() + timedelta(days=31)) == 1
    await visit.db.execute("update recording set due_at = now()")
    await visit.work()
    assert (await visit.recordings(), visit.is_gone()) == ([], True)


async def test_erasing_the_patient_deletes_the_recording(visit):
    await visit.record()
    await repository.erase(visit.db, visit.world.ana, now=clock.now())
    await visit.work()
    assert (await visit.recordings(), visit.is_gone()) == ([], True)
    assert await visit.db.fetchval("select count(*) from recording_consent") == 0


async def test_the_doctor_watches_the_recording_in_ranges_and_each_look_is_recorded(visit, app_store):
    visit.store = app_store
    doctor = await visit.record()
    page = await visit.client.get(f"{visit.staff_page}/call", headers=doctor)
    address = next(part for part in page.text.split('"') if "/recordings/" in part)
    whole = await visit.client.get(address, headers=doctor)
    assert (whole.status_code, whole.content == VIDEO, whole.headers["Cache-Control"]) == (200, True, "no-store")
    part = await visit.client.get(address, headers=doctor | {"Range": "bytes=65530-65545"})
    assert (part.status_code, part.content) == (206, VIDEO[65530:65546])
    assert part.headers["Content-Range"] == f"bytes 65530-65545/{len(VIDEO)}"
    beyond = await visit.client.get(address, headers=doctor | {"Range": f"bytes={len(VIDEO)}-"})
    assert beyond.status_code == 416
    looks = await visit.db.fetchval("select count(*) from audit_unsealed where action = 'watchRecording'")
    assert looks == 3


async def test_to_everyone_but_the_doctor_a_recording_does_not_exist(visit):
    await visit.record()
    other_clinic = await visit.world.add_clinic()
    other_doctor = await visit.world.add_doctor("Dr Okafor")
    foreign_doctor = await visit.world.add_doctor("Dr Lindt", clinic=other_clinic)
    id = await visit.db.fetchval("select id from recording")
    for headers in (
        await visit.sign_in("okafor@example.org", "doctor", other_doctor),
        await visit.sign_in("rosa@example.org", "receptionist"),
        await visit.sign_in("mona@example.org", "manager"),
        await visit.sign_in("lindt@example.org", "doctor", foreign_doctor, other_clinic),
    ):
        response = await visit.client.get(f"{visit.staff_page}/recordings/{id}", headers=headers)
        assert (response.status_code in (403, 404), VIDEO[:8] in response.content) == (True, False)


async def test_guests_cannot_consent(visit):
    from appoint.calls.guests import repository as guests

    await visit.begin()
    guest = await guests.add(visit.db, visit.id, "Ines")
    page = f"/join/{links.guest_code(SECRET, guest.id)}"
    assert (await visit.client.post(f"{page}/recording", data={"agrees": "yes"})).status_code == 404
    assert "agrees" not in (await visit.client.get(page)).text


async def test_events_without_a_recent_signature_are_refused(visit):
    await visit.begin()
    call_id = await visit.db.fetchval("select id from call")
    payload = {"room_name": room_name(SECRET, call_id), "recording_id": "rec-1"}
    event = {"type": events.READY, "payload": payload}
    other_key = base64.b64encode(b"another key").decode()
    assert (await visit.send(event, key=other_key)).status_code == 400
    assert (await visit.send(event, sent_at=clock.now().timestamp() - 600)).status_code == 400
    assert await visit.recordings() == []


@pytest.mark.parametrize(
    "event",
    [{"test": "test"}, {"type": "meeting.started"}, [], {"type": events.READY, "payload": {"room_name": "standup"}}],
)
async def test_events_that_appoint_does_not_need_are_accepted_and_ignored(visit, event):
    assert (await visit.send(event)).status_code == 200


async def test_long_events_are_refused(visit):
    response = await visit.client.post("/api/calls/events/daily", content=b"x" * (64 * 1024 + 1))
    assert response.status_code == 413


async def test_an_event_that_arrives_twice_is_copied_once(visit):
    await visit.record()
    await visit.report()
    await visit.work()
    assert await visit.recordings() == ["stored"]
