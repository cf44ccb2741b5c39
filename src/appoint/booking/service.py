"""Booking, moving and cancelling: the use cases, in the words of a receptionist."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from ..clinics.catalogue import repository as catalogues
from ..clinics.catalogue import service as catalogue
from ..clinics.catalogue.model import Catalogue
from ..database.pool import Database, Row, Statements, Transaction, sqlstate, violates
from ..http.etags import check
from ..kit import errors, ids
from ..kit.actors import Actor
from ..kit.cache import ClinicCache
from ..kit.metrics import BOOKINGS
from . import refusals as wishing
from . import repository
from .model import STEPS, Appointment, AppointmentPatch, RescheduleRequest, Status, for_the_record, is_late
from .rules import Caps, Moving, Override, Wish, WishRequest, buffers, refusal_before_asking

PARTIAL: Final = "AP001"
ATTEMPTS: Final = 3
HOLD_EXPIRED: Final = "hold-expired"
MOVABLE: Final = frozenset({Status.PENDING, Status.BOOKED})
BATCH: Final = 500


class Repeat(NamedTuple):
    """What makes a request the same as an earlier one: its caller and key, and the digest of what it asked."""

    caller: str
    key: str
    digest: bytes


class Booked(NamedTuple):
    rows: list[Row]
    """Of `repository.appointment`, in the order in which they were wished."""
    replayed: bool


async def book(
    db: Database,
    cache: ClinicCache,
    actor: Actor,
    *,
    clinic_id: int,
    wishes: Sequence[tuple[UUID, WishRequest]],
    booker_id: UUID | None = None,
    repeat: Repeat | None = None,
    hold_for: timedelta,
    override: Override | None = None,
    caps: Caps | None = None,
    now: datetime,
) -> Booked:
    """Book appointments for customers at one clinic: all of them or none. One round trip when nothing stands in the
    way.

    What an override allows is set aside only where it turns out to be in the way, and nothing else is; hours are then
    published for the appointment alone. Races are decided by the database: of many callers for one time exactly one
    gets it. A repeated request gets what the first made, as it stands now. Raises `NotFound` for a clinic, doctor,
    type, slot or customer that is not there, `KeyReused`, and `Conflict` with the first reason (`model.REASONS`) that
    applies, up to five alternatives, and the index of the first wish that was refused.
    """
    set_aside: dict[int, tuple[str, ...]] = {}
    for attempt in count(1):
        fresh = attempt > 1
        book = await catalogue.get(db, cache, clinic_id)
        try:
            asked = [
                await wishing.resolve(db, book, position, customer_id, when)
                for position, (customer_id, when) in enumerate(wishes)
            ]
        except errors.NotFound:
            if fresh:
                raise
            cache.forget(clinic_id)
            continue
        asked = [wish._replace(overridden=set_aside.get(wish.position, ())) for wish in asked]
        known = next((reason for wish in asked if (reason := refusal_before_asking(wish, book, now))), None)
        rows = (
            []
            if known
            else await _claim(
                db,
                book,
                asked,
                actor,
                booker_id=booker_id,
                repeat=repeat,
                hold_expires_at=now + hold_for,
                override=override,
                caps=caps,
                now=now,
            )
        )
        if rows:
            BOOKINGS.labels("booked").inc()
            return Booked(sorted(rows, key=lambda row: row["position"]), replayed=False)
        if repeat and (
            earlier := await repository.made_by_request(db, clinic_id=clinic_id, caller=repeat.caller, key=repeat.key)
        ):
            if earlier[0]["request_digest"] != repeat.digest:
                raise errors.KeyReused
            BOOKINGS.labels("replayed").inc()
            return Booked(earlier, replayed=True)
        if fresh or known in (None, "in-the-past"):
            refusal, set_aside = await wishing.explain(
                db, book, asked, now, booker_id=booker_id, override=override, caps=caps
            )
            # each doctor who was lost to somebody else since they were chosen leaves one less to try
            if refusal is None and attempt > ATTEMPTS + max(len(wish.candidates) for wish in asked):
                refusal = errors.Conflict("taken", alternatives=[])
            if refusal:
                BOOKINGS.labels(refusal.type).inc()
                raise refusal
        cache.forget(clinic_id)  # what it knew was old, or the time has just become free again
    raise AssertionError("counting never ends")


async def _claim(
    db: Database,
    book: Catalogue,
    wishes: Sequence[Wish],
    actor: Actor,
    *,
    booker_id: UUID | None,
    repeat: Repeat | None,
    hold_expires_at: datetime,
    override: Override | None,
    caps: Caps | None,
    now: datetime,
) -> list[Row]:
    """The rows that were written: all, or none."""
    caller, key, digest = repeat or (None, None, None)

    async def claim(on: Statements) -> list[Row]:
        return await repository.claim(
            on,
            wishes,
            actor,
            clinic_id=book.clinic_id,
            clinic_version=book.version,
            booker_id=booker_id,
            hold_expires_at=hold_expires_at,
            caller=caller,
            key=key,
            digest=digest,
            override_reason=override.reason if override else None,
            caps=caps,
            now=now,
        )

    outside = [wish for wish in wishes if "outside-hours" in wish.overridden]

    async def publish_and_claim(tx: Transaction) -> list[Row]:
        await repository.lock_hours(
            tx, clinic_id=book.clinic_id, doctor_ids=[wish.doctor_id for wish in outside if wish.doctor_id]
        )
        await repository.publish_missing(tx, clinic_id=book.clinic_id, wishes=outside)
        if rows := await claim(tx):
            tx.recorded = True  # by the statement itself
            return rows
        raise _Refused  # and nothing stays published

    try:
        return await (db.atomic(publish_and_claim) if outside else claim(db))
    except (
        _Refused,
        asyncpg.ForeignKeyViolationError,
    ):  # outside the hours, or a booker who is not there: explained like every other refusal
        return []
    except asyncpg.PostgresError as error:
        if sqlstate(error) != PARTIAL:
            raise
        return []


async def get(db: Statements, appointment_id: UUID) -> Appointment:
    """Raises `NotFound`."""
    return repository.appointment(await _found(db, appointment_id))


async def _found(db: Statements, appointment_id: UUID) -> Row:
    row = await repository.find(db, clinic_id=ids.clinic_of(appointment_id), appointment_id=appointment_id)
    if row is None:
        raise errors.NotFound
    return row


async def change(
    tx: Transaction, actor: Actor, *, appointment_id: UUID, change: AppointmentPatch, if_match: str | None
) -> Appointment:
    """Change the notes."""
    await _locked(tx, appointment_id, if_match)
    if change.notes is not msgspec.UNSET and not await repository.change_notes(
        tx, clinic_id=ids.clinic_of(appointment_id), appointment_id=appointment_id, notes=change.notes
    ):
        raise errors.Conflict("customer-erased")
    return await get(tx, appointment_id)


async def _locked(
    tx: Transaction, appointment_id: UUID, if_match: str | None, *, other_doctor_id: UUID | None = None
) -> tuple[Appointment, Catalogue]:
    """The appointment, and its clinic's catalogue as it is now. Both stay as they are until the transaction ends."""
    clinic_id = ids.clinic_of(appointment_id)
    row = await repository.lock(tx, clinic_id=clinic_id, appointment_id=appointment_id, other_doctor_id=other_doctor_id)
    book = await catalogues.load(tx, clinic_id)
    if row is None or book is None:
        raise errors.NotFound
    check(if_match, row["version"], required=book.require_version)
    return repository.appointment(row), book


async def step(tx: Transaction, actor: Actor, *, appointment_id: UUID, name: str, now: datetime) -> Appointment:
    """Take an appointment a step of its day further (`model.STEPS`).

    Raises `Conflict`: `wrong-status`; `hold-expired` for a hold that has run out, whether or not it has been cancelled
    yet; `not-started` for a no-show before its time; `taken` or `outside-hours` when somebody came after all and the
    time is gone.
    """
    appointment, _ = await _locked(tx, appointment_id, None)
    wanted = STEPS[name]
    if name == "confirm" and (
        appointment.cancel_reason == HOLD_EXPIRED
        or (appointment.hold_expires_at and appointment.hold_expires_at <= now)
    ):
        raise errors.Conflict("hold-expired")
    if appointment.status not in wanted.sources:
        raise errors.Conflict("wrong-status", appointmentStatus=appointment.status, wanted=wanted.target)
    if name == "noShow" and appointment.start_time > now:
        raise errors.Conflict("not-started")
    await _change_status(tx, appointment, name)
    return await get(tx, appointment_id)


async def cancel(
    tx: Transaction,
    actor: Actor,
    *,
    appointment_id: UUID,
    reason: str | None,
    late_because: str | None = None,
    if_match: str | None,
    now: datetime,
) -> None:
    """Cancel an appointment; one that is cancelled stays so. `late_because` is why it may be cancelled inside the
    clinic's notice too.

    Raises `Conflict`: `wrong-status` for one that is over, `too-late`.
    """
    appointment, book = await _locked(tx, appointment_id, if_match)
    if appointment.status == Status.CANCELLED:
        return
    if appointment.status not in STEPS["cancel"].sources:
        raise errors.Conflict("wrong-status", appointmentStatus=appointment.status, wanted=Status.CANCELLED)
    late = is_late(appointment, book, now)
    if late and late_because is None:
        raise _too_late(book)
    await _change_status(tx, appointment, "cancel", reason=reason, late_because=late_because if late else None)
    if _has_own_hours(appointment):
        await repository.withdraw_remnant(
            tx,
            clinic_id=appointment.clinic_id,
            doctor_id=appointment.doctor_id,
            start=appointment.start_time,
            end=appointment.end_time,
        )
    tx.why = for_the_record(["too-late"] if late else [])


def _too_late(book: Catalogue) -> errors.Conflict:
    return errors.Conflict(
        "too-late", minutes=book.cancel_notice_minutes, **({"phone": book.phone} if book.phone else {})
    )


def _has_own_hours(appointment: Appointment) -> bool:
    """Whether something may be published for it alone."""
    return appointment.needs_rebooking or "outside-hours" in appointment.overrides


async def _change_status(
    tx: Transaction, appointment: Appointment, name: str, *, reason: str | None = None, late_because: str | None = None
) -> None:
    to = STEPS[name]
    try:
        await repository.change_status(
            tx,
            clinic_id=appointment.clinic_id,
            appointment_id=appointment.id,
            status=to.target,
            event=to.event,
            cancel_reason=reason,
            late_because=late_because,
        )
    except asyncpg.ExclusionViolationError as error:
        raise errors.Conflict(
            "customer-busy" if violates(error, "customer_free") else "taken", alternatives=[]
        ) from error
    except asyncpg.ForeignKeyViolationError as error:
        raise errors.Conflict("outside-hours", alternatives=[]) from error


async def reschedule(
    db: Database, actor: Actor, *, appointment_id: UUID, to: RescheduleRequest, if_match: str | None, now: datetime
) -> Appointment:
    """Move an appointment to another time, another doctor, or both, in place: it keeps its id and may overlap its own
    old time.

    Raises `Conflict` as `book` does, `too-late` inside the clinic's notice, and `wrong-status` for one that is not to
    come any more. What an override allows is set aside where it is in the way.
    """
    set_aside: tuple[str, ...] = ()
    clinic_id = ids.clinic_of(appointment_id)
    if to.doctor_id and ids.clinic_of(to.doctor_id) != clinic_id:
        raise errors.NotFound

    async def move(tx: Transaction) -> Appointment:
        if "outside-hours" in set_aside:
            known = await _found(tx, appointment_id)
            await repository.lock_hours(
                tx, clinic_id=clinic_id, doctor_ids=[known["doctor_id"], to.doctor_id or known["doctor_id"]]
            )
        appointment, book = await _locked(tx, appointment_id, if_match, other_doctor_id=to.doctor_id)
        _check_movable(appointment, now)
        wish = _moved(appointment, book, to)
        if (wish.doctor_id, wish.start, wish.end) == (
            appointment.doctor_id,
            appointment.start_time,
            appointment.end_time,
        ):
            wish, because = wish._replace(overridden=tuple(appointment.overrides)), appointment.override_reason
        else:
            wish, because = _overriding(wish, to.override, set_aside, book, late=is_late(appointment, book, now))
            tx.why = for_the_record(wish.overridden)
        if refusal_before_asking(wish, book, now):
            raise _Refused
        try:
            if not await repository.move(
                tx, clinic_id=clinic_id, appointment_id=appointment_id, wish=wish, override_reason=because, now=now
            ):
                raise _Refused
        except (asyncpg.ExclusionViolationError, asyncpg.ForeignKeyViolationError) as error:
            raise _Refused from error
        return await get(tx, appointment_id)

    for _ in range(ATTEMPTS):
        try:
            return await db.atomic(move)
        except _Refused:
            refusal, by_position = await _explain_move(db, clinic_id, appointment_id, to, now)
            if refusal:
                raise refusal from None
            set_aside = by_position.get(0, ())
    raise errors.Conflict("taken", alternatives=[])


class _Refused(Exception):
    """A signal, never seen outside: the database refused a move; why is found out after its transaction."""


def _check_movable(appointment: Appointment, now: datetime) -> None:
    if appointment.status not in MOVABLE:
        raise errors.Conflict("wrong-status", appointmentStatus=appointment.status, wanted=Status.BOOKED)
    if appointment.hold_expires_at and appointment.hold_expires_at <= now:
        raise errors.Conflict("hold-expired")


def _overriding(
    wish: Wish, override: Override | None, in_the_way: Sequence[str], book: Catalogue, *, late: bool
) -> tuple[Wish, str | None]:
    """The wish with what is set aside for it, and why. Raises `Conflict` `too-late`."""
    if late and not (override and "too-late" in override.allow):
        raise _too_late(book)
    wish = wish._replace(overridden=("too-late", *in_the_way) if late else tuple(in_the_way))
    return wish, override.reason if override and wish.overridden else None


def _moved(appointment: Appointment, book: Catalogue, to: RescheduleRequest) -> Wish:
    """The wish that a move is; the type's buffers as they are now."""
    type = book.types.get(appointment.appointment_type_id) if appointment.appointment_type_id else None
    doctor_id = to.doctor_id or appointment.doctor_id
    if doctor_id not in book.doctors:
        raise errors.NotFound
    end = to.end_time or to.start_time + (appointment.end_time - appointment.start_time)
    before, after = buffers(type)
    candidates = book.offering(appointment.appointment_type_id, doctor_id)
    return Wish(
        0,
        appointment.customer_id,
        None,
        to.start_time,
        end,
        to.start_time - before,
        end + after,
        doctor_id,
        candidates,
        notes=None,
        hold=False,
    )


async def _explain_move(
    db: Statements, clinic_id: int, appointment_id: UUID, to: RescheduleRequest, now: datetime
) -> tuple[errors.Conflict | None, dict[int, tuple[str, ...]]]:
    row = await _found(db, appointment_id)
    book = await catalogues.load(db, clinic_id)
    assert book, "a clinic is never deleted"
    appointment, claimed = repository.appointment(row), row["claimed"]
    moving = Moving(
        appointment.doctor_id,
        appointment.start_time,
        appointment.end_time,
        (claimed.lower, claimed.upper),
        has_own_hours=_has_own_hours(appointment),
    )
    return await wishing.explain(db, book, [_moved(appointment, book, to)], now, moving=moving, override=to.override)


async def expire_holds(db: Statements, *, now: datetime) -> int:
    """Cancel the holds that have run out; returns how many."""
    expired = 0
    while found := await repository.expire_holds(db, now=now, most=BATCH):
        expired += found
        if found < BATCH:
            break
    return expired
