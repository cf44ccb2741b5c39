"""From a wish to doctors and instants, and from a wish that was refused to the reason."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Final
from uuid import UUID

from ..clinics.catalogue.model import Catalogue
from ..database.pool import Statements
from ..kit import clock, errors
from . import refusal_reads
from .availability import service as availability
from .availability.model import DoctorTime, Range, Terms, nearest, starts
from .rules import (
    Alternative,
    Caps,
    Moving,
    Override,
    Wish,
    WishRequest,
    alternatives,
    buffers,
    may_set_aside,
    overlaps,
    refusal_before_asking,
    refusal_by_caps,
    refusal_by_ranges,
    with_claim,
    without,
)

WEEK: Final = timedelta(days=8)
"""What alternatives are looked for in, on both sides, with a day to spare for zones."""


async def resolve(db: Statements, book: Catalogue, position: int, customer_id: UUID, when: WishRequest) -> Wish:
    """A wish in instants and doctors. Raises `NotFound` for what the clinic does not have."""
    doctor_id, start, end = when.doctor_id, when.start_time, when.end_time
    if when.booking_slot_id:
        slot = await refusal_reads.slot(db, clinic_id=book.clinic_id, slot_id=when.booking_slot_id)
        if slot is None or doctor_id not in (None, slot["doctor_id"]):
            raise errors.NotFound
        doctor_id, start, end = slot["doctor_id"], slot["start"], slot["end"]
    type = book.types.get(when.appointment_type_id) if when.appointment_type_id else None
    if (when.appointment_type_id and not type) or (doctor_id and doctor_id not in book.doctors):
        raise errors.NotFound
    assert start, "the request's own rules"
    end = end or start + timedelta(minutes=type.minutes if type else 0)
    before, after = buffers(type)
    candidates = book.offering(when.appointment_type_id, doctor_id)
    return Wish(
        position,
        customer_id,
        type,
        start,
        end,
        start - before,
        end + after,
        doctor_id,
        candidates,
        when.notes,
        when.hold,
    )


async def explain(
    db: Statements,
    book: Catalogue,
    wishes: Sequence[Wish],
    now: datetime,
    *,
    booker_id: UUID | None = None,
    moving: Moving | None = None,
    override: Override | None,
    caps: Caps | None = None,
) -> tuple[errors.Conflict | None, dict[int, tuple[str, ...]]]:
    """Why wishes that wrote nothing were refused, and what is to be set aside for each. None when nothing else stands
    in their way any more, or the catalogue turns out old. An appointment that is being moved is not in its own way.

    Raises `NotFound` for a customer who is not there.
    """
    first, last = min(wish.start for wish in wishes), max(wish.end for wish in wishes)
    customer_ids = list({wish.customer_id for wish in wishes} | ({booker_id} if booker_id else set()))
    busy = await refusal_reads.customers_time(
        db, clinic_id=book.clinic_id, customer_ids=customer_ids, start=first - WEEK, end=last + WEEK
    )
    if len(busy) < len(customer_ids):
        raise errors.NotFound
    own: list[UUID] = []
    if moving:
        busy = {id: without(ranges, (moving.start, moving.end)) for id, ranges in busy.items()}
        if moving.has_own_hours and moving[:3] != (wishes[0].doctor_id, wishes[0].start, wishes[0].end):
            own = await refusal_reads.remnants(
                db, clinic_id=book.clinic_id, doctor_id=moving.doctor_id, start=moving.start, end=moving.end
            )
    set_aside: dict[int, tuple[str, ...]] = {}
    to_come = (
        await refusal_reads.to_come(db, clinic_id=book.clinic_id, customer_ids=customer_ids, now=now) if caps else {}
    )
    promised: list[tuple[UUID, Range]] = []  # to the wishes before
    for wish in wishes:
        named = book.doctors[wish.doctor_id] if wish.doctor_id else None
        doctors = wish.candidates or [doctor for doctor in book.offering(wish.type and wish.type.id) if doctor != named]
        allowed = may_set_aside(wish, override)
        day = max(clock.local_date(wish.start, book.time_zone), clock.local_date(now, book.time_zone))
        day = day if "too-far" in allowed else min(day, book.last_date(now))
        times = await availability.around(db, book, doctors=doctors if book.active else [], day=day)
        if times is None:
            return None, set_aside
        if moving:
            times = [time._replace(slots=[slot for slot in time.slots if slot.id not in own]) for time in times]
            times = [
                time._replace(claims=without(time.claims, moving.claim)) if time.doctor_id == moving.doctor_id else time
                for time in times
            ]
        for doctor_id, claim in promised:
            times = with_claim(times, doctor_id, claim)
        theirs = busy[wish.customer_id]
        has = to_come.get(wish.customer_id, Caps(0, 0))
        too_many = refusal_by_caps(wish, caps, has) if caps else None
        while (
            reason := refusal_before_asking(wish, book, now) or too_many or refusal_by_ranges(wish, times, theirs)
        ) in allowed:
            wish = wish._replace(overridden=(*wish.overridden, reason))  # noqa: PLW2901  the same wish, less bound
        set_aside[wish.position] = wish.overridden
        if reason:
            offered = (
                []
                if (wish.type and not wish.type.active) or reason == too_many
                else _alternatives(wish, times, theirs, book, now)
            )
            return errors.Conflict(
                reason, alternatives=offered, **({"index": wish.position} if len(wishes) > 1 else {})
            ), set_aside
        taker = next(time for time in times if refusal_by_ranges(wish, [time], theirs) is None)
        promised.append((taker.doctor_id, (wish.claimed_from, wish.claimed_until)))
        theirs.append((wish.start, wish.end))
        to_come[wish.customer_id] = has.after(wish)
    return None, set_aside


def _alternatives(
    wish: Wish, times: Sequence[DoctorTime], customers_time: Sequence[Range], book: Catalogue, now: datetime
) -> list[Alternative]:
    """The nearest times that could be booked instead."""
    terms = Terms.of(book, now)
    offers = chain.from_iterable(starts(time, wish.length, terms) for time in times)
    return alternatives(
        nearest(
            [offer for _, offer in offers if not overlaps(customers_time, offer.start_time, offer.end_time)], wish.start
        )
    )
