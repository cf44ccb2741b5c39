"""Use cases of the people who join a call. Each click that reveals a room is recorded in the audit log."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from ... import audit
from ...database.pool import Database, Statements, Transaction, to
from ...kit import errors, ids
from ...kit.actors import Actor
from ...kit.i18n import one_line
from ...kit.key_ring import UnreadableError
from ..providers.failures import ProviderFailure
from ..providers.gateway import Providers
from ..providers.model import Gateway, Person, person_id
from ..recordings import repository as recordings
from ..rooms.model import State
from ..settings import repository as settings_repository
from . import repository
from .details import ListedCall
from .links import LinkHolder, code
from .model import LIVE, BoardCall, JoinLink, Visit

MAX_NAME_LENGTH: Final = 100


async def get_visit(db: Statements, appointment_id: UUID) -> Visit:
    """Raise `NotFound` unless the appointment exists."""
    visit = await repository.find_visit(db, appointment_id)
    if visit is None:
        raise errors.NotFound
    return visit


async def find_visit_of_call(db: Database, call_id: UUID) -> Visit | None:
    """Return the visit that a call belongs to, even if the call has ended."""
    db = db.within(ids.clinic_of(call_id))
    appointment_id = await repository.find_appointment_id(db, call_id)
    return appointment_id and await repository.find_visit(db, appointment_id)


async def wait(tx: Transaction, actor: Actor, *, appointment_id: UUID, now: datetime) -> None:
    """Put the patient into the waiting room, while it is open."""
    visit = await get_visit(tx, appointment_id)
    if visit.call and visit.stage(now) == "ready":
        await repository.mark_waiting(tx, visit.call.id, now=now)
        await audit.record(tx, actor, clinic_id=visit.clinic_id, subjects=[appointment_id])


async def enter(db: Database, actor: Actor, *, party: LinkHolder, providers: Providers, now: datetime) -> str | None:
    """Return the address at which the patient or guest enters the call, or None until the doctor has let them in. Raise
    `ProviderFailure`."""

    async def record(tx: Transaction) -> Visit | None:
        visit = await get_visit(tx, party.appointment_id)
        if visit.call is None or visit.stage(now) != "admitted":
            return None
        if party.guest_id is None and not await repository.record_patient(tx, visit.call.id, now=now):
            return None
        subjects = [party.appointment_id, *([party.guest_id] if party.guest_id else [])]
        await audit.record(tx, actor, clinic_id=visit.clinic_id, subjects=subjects)
        return visit

    visit = await db.atomic(record)
    if visit is None or visit.call is None:
        return None
    name = party.guest or visit.patient or ""
    person = _person(providers, visit.call.id, party.key, name, is_host=False)
    return await _address(db, visit, person, providers, now)


async def enter_as_doctor(
    db: Database, actor: Actor, *, appointment_id: UUID, providers: Providers, now: datetime
) -> str | None:
    """Let the patient in, and return the address at which the doctor enters the call. Return None if there is no room,
    or not yet. Raise `ProviderFailure`, and `NotFound` for anyone but the appointment's doctor."""

    async def open_call(tx: Transaction) -> Visit | None:
        visit = await get_visit(tx, appointment_id)
        if not is_doctor(actor, visit):
            raise errors.NotFound
        stage = visit.doctor_stage(now)
        if visit.call is None or stage not in ("ready", "waiting", "admitted"):
            return None
        if not await repository.open_call(tx, visit.call.id, now=now):
            return None
        await audit.record(tx, actor, clinic_id=visit.clinic_id, subjects=[appointment_id])
        return visit

    visit = await db.atomic(open_call)
    if visit is None or visit.call is None:
        return None
    person = _person(providers, visit.call.id, "doctor", visit.doctor, is_host=True)
    terms = await recordings.find_terms(db, appointment_id)
    person = person._replace(can_record=terms is not None and terms.allows_recording)
    return await _address(db, visit, person, providers, now)


async def find_origin(db: Database, visit: Visit, providers: Providers) -> str | None:
    """Return the provider's origin, such as `https://meet.example.org`, or None if it is our own or unknown."""
    if visit.call is None:
        return None
    try:
        connection = await settings_repository.find_connection(db, visit.clinic_id, visit.call.gateway)
        address = providers.gateway_for(visit.call.gateway, connection).address_for(visit.doctor_id)
    except (ProviderFailure, UnreadableError):
        return None
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if address and address != providers.public_url else None


async def find_join_links(
    db: Statements, secret: str, numbers: Mapping[UUID, int], *, default_gateway: Gateway | None, now: datetime
) -> dict[UUID, JoinLink]:
    """Return the link where the patient joins the call, by appointment. It is valid before the call exists. Leave out
    appointments that are not video visits, or over. `numbers` contains each manage link's number."""
    windows = await repository.list_join_windows(db, list(numbers), default_gateway=default_gateway, now=now)
    return {
        id: JoinLink(f"/join/{code(secret, id, numbers[id])}", opens_at, closes_at, phone)
        for id, opens_at, closes_at, phone in windows
    }


async def list_calls(
    db: Statements, *, clinic_id: int, state: State | None, after: tuple[UUID] | None, limit: int
) -> list[ListedCall]:
    """Return a clinic's live calls, plus one beyond `limit` if there is a next page."""
    rows = await repository.list_calls(db, clinic_id=clinic_id, state=state, after=after and after[0], limit=limit)
    return [to(ListedCall, row) for row in rows]


async def list_on_board(db: Statements, *, clinic_id: int, appointment_ids: Sequence[UUID]) -> dict[UUID, BoardCall]:
    """Return the latest call of each of these appointments, by appointment."""
    return {
        each.appointment_id: each
        for each in await repository.list_on_board(db, clinic_id=clinic_id, appointment_ids=appointment_ids)
    }


def is_doctor(actor: Actor, visit: Visit) -> bool:
    """Return whether the caller is the appointment's doctor. Only the doctor can enter a patient's call: neither the
    clinic's other staff nor the administrator can."""
    membership = actor.membership_at(visit.clinic_id)
    return membership is not None and membership.doctor_id == visit.doctor_id


async def set_delay(tx: Transaction, actor: Actor, *, appointment_id: UUID, minutes: int | None) -> None:
    """Tell those who wait how late the doctor is running. Raise `NotFound` if there is no call."""
    await _change(tx, actor, appointment_id, lambda call_id: repository.set_delay(tx, call_id, minutes))


async def end(tx: Transaction, actor: Actor, *, appointment_id: UUID, now: datetime) -> None:
    """End the call for everyone. Raise `NotFound` if there is none."""
    await _change(tx, actor, appointment_id, lambda call_id: repository.request_end(tx, call_id, now=now))


async def renew(
    tx: Transaction, actor: Actor, *, appointment_id: UUID, default_gateway: Gateway | None, now: datetime
) -> None:
    """Let a job create the room now, at the clinic's current provider, if an attempt has failed, or if the call has
    been ended too early. Raise a `room-exists` `Conflict` for any other call, and `NotFound` if there is no call, once
    the visit is over, or if the clinic has no video visits."""
    visit = await get_visit(tx, appointment_id)
    gateway = visit.choice or default_gateway
    if visit.call is None or visit.status not in LIVE or now >= visit.closes_at or gateway in (None, "off"):
        raise errors.NotFound
    if not await repository.renew(tx, visit.call.id, gateway=gateway, now=now):
        raise errors.Conflict("room-exists")
    await audit.record(tx, actor, clinic_id=visit.clinic_id, subjects=[appointment_id])


async def _change(
    tx: Transaction, actor: Actor, appointment_id: UUID, change: Callable[[UUID], Awaitable[bool]]
) -> None:
    visit = await get_visit(tx, appointment_id)
    if visit.call is None or not await change(visit.call.id):
        raise errors.NotFound
    await audit.record(tx, actor, clinic_id=visit.clinic_id, subjects=[appointment_id])


def _person(providers: Providers, call_id: UUID, party: str, name: str, *, is_host: bool) -> Person:
    id = person_id(providers.secret, call_id, party)
    return Person(id, one_line(name)[:MAX_NAME_LENGTH], is_host)


async def _address(db: Database, visit: Visit, person: Person, providers: Providers, now: datetime) -> str:
    assert visit.call, "callers check it"
    try:
        connection = await settings_repository.find_connection(db, visit.clinic_id, visit.call.gateway)
    except UnreadableError:
        raise ProviderFailure("unreadable-settings") from None
    gateway = providers.gateway_for(visit.call.gateway, connection)
    return await gateway.enter(visit.room(providers.secret), person, now=now)
