"""The small world's appointments. Its people book visits, whose status depends on when the world is loaded."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby, islice
from operator import attrgetter
from random import Random
from typing import Any, Final, NamedTuple
from uuid import UUID

from ..booking.model import CancelCause, Status
from ..kit import clock
from ..kit.ids import clinic_of
from .three_clinics import ClinicStory
from .visits import MOVES, Visit, clinics_id, outcome
from .world import World
from .writing import write

GROUP_SHARE: Final = 0.1
"""The share of bookings that contain several appointments."""
MAX_GROUP_LENGTH: Final = timedelta(hours=2)
ADULT_AGE: Final = 16
"""From this age on, people book for themselves."""
RECENTLY: Final = timedelta(hours=1)
"""How long after their visit a patient may still be with the doctor, and how long before it one may arrive."""
MIN_FOR_EVERY_STATE: Final = 3
HOLD_TTL: Final = timedelta(minutes=10)
COLUMNS: Final = (
    "clinic_id id booking_id position doctor_id customer_id booker_id appointment_type_id status hold_expires_at "
    "during claimed chosen price_amount price_currency notes cancel_reason cancel_cause only_held version "
    "created_at updated_at"
)


class BookedVisit(NamedTuple):
    """A booked visit. `luck` and `whim`, both from 0 to 1, determine its status and its details."""

    visit: Visit
    id: UUID
    booking_id: UUID
    position: int
    customer_id: UUID
    booker_id: UUID | None
    booked_at: datetime
    luck: float
    whim: float

    @property
    def start(self) -> datetime:
        return self.visit.start

    @property
    def clinic_id(self) -> int:
        return clinic_of(self.id)


class Visitor(NamedTuple):
    id: UUID
    age: int


VisitsByCustomer = dict[UUID, list[Visit]]


def book_visits(
    world: World, times: Sequence[Iterator[Visit]], visitors: Sequence[list[Visitor]]
) -> Iterator[BookedVisit]:
    """Book some of the available times of a clinic's doctors, with fewer bookings further in the future. A customer's
    visits never overlap, and are right for their age. `visitors` are households, which begin with an adult."""
    random = world.random
    visits: VisitsByCustomer = {}
    for of_doctor in times:
        for visit in of_doctor:
            days = (visit.start - world.midnight) / timedelta(days=1)
            if random.random() > (0.65 if days < 1 else 0.5 * 0.94**days):
                continue
            group = _group(random, visit, of_doctor)
            customers, booker_id = _free_members(random, visitors, visits, group)
            booked_at = min(visit.start, world.midnight) - timedelta(hours=2, minutes=random.randrange(20 * 1440))
            for booked in _book_group(random, group, customers, booker_id, booked_at):
                visits.setdefault(booked.customer_id, []).append(booked.visit)
                yield booked


def _group(random: Random, visit: Visit, following: Iterator[Visit]) -> list[Visit]:
    """Return the visit or, for some bookings, the visit together with the doctor's next one or two times."""
    group = [visit, *islice(following, random.randint(1, 2))] if random.random() < GROUP_SHARE else [visit]
    return [visit] if group[-1].end - visit.start > MAX_GROUP_LENGTH else group


def _book_group(
    random: Random, group: Sequence[Visit], customers: Sequence[UUID], booker_id: UUID | None, booked_at: datetime
) -> Iterator[BookedVisit]:
    """Book as many of the group's visits as there are customers."""
    ids = [clinics_id(random, clinic_of(group[0].doctor_id), booked_at) for _ in range(len(group) + 1)]
    booking_id = ids[-1] if len(customers) > 1 else ids[0]
    luck = random.random()
    for position, (visit, customer_id) in enumerate(zip(group, customers, strict=False)):
        yield BookedVisit(
            visit, ids[position], booking_id, position, customer_id, booker_id, booked_at, luck, random.random()
        )


def _free_members(
    random: Random, visitors: Sequence[list[Visitor]], visits: VisitsByCustomer, group: Sequence[Visit]
) -> tuple[list[UUID], UUID | None]:
    """Return a customer for each visit in the group or, failing that, only for the first one, and the person who books
    for them. All are from one household, have no other visit at that time, and are of the right age. The list is empty
    if everyone of the right age is busy.
    """
    start, end = group[0].start, group[-1].end
    alone: tuple[list[UUID], UUID | None] = ([], None)
    for household in random.sample(visitors, len(visitors)):
        free = [
            visitor
            for visitor in household
            if all(visit.end <= start or end <= visit.start for visit in visits.get(visitor.id, ()))
        ]
        members = _choose_members(random, free, group)
        if len(members) == len(group) > 1:
            return [visitor.id for visitor in members], household[0].id
        if members and not alone[0]:
            alone = [members[0].id], household[0].id if members[0].age < ADULT_AGE else None
        if alone[0] and len(group) == 1:
            break
    return alone


def _choose_members(random: Random, free: Sequence[Visitor], group: Sequence[Visit]) -> list[Visitor]:
    """Return a different person of the right age for each visit, stopping at the first visit for which no one is
    left.
    """
    members: list[Visitor] = []
    for visit in group:
        suitable = [visitor for visitor in free if visit.kind.suits(visitor.age) and visitor not in members]
        if not suitable:
            break
        members.append(random.choice(suitable))
    return members


async def write_appointments(world: World, booked: Sequence[BookedVisit], stories: Mapping[int, ClinicStory]) -> None:
    """Write booked visits, earliest first, and the clinics' patients."""
    first_booked_at: dict[tuple[int, UUID], datetime] = {}
    for each in sorted(booked, key=attrgetter("booked_at")):
        first_booked_at.setdefault((each.clinic_id, each.customer_id), each.booked_at)
    await write(
        world.connection,
        "patient",
        "clinic_id customer_id record_number created_at updated_at",
        [(*patient, f"{1000 + number}", at, at) for number, (patient, at) in enumerate(first_booked_at.items())],
    )
    statuses = _statuses(world, booked, stories)
    rows = [_row(world, each, statuses[each.id], stories[each.clinic_id]) for each in booked]
    await write(world.connection, "appointment", COLUMNS, rows)


def _statuses(world: World, booked: Sequence[BookedVisit], stories: Mapping[int, ClinicStory]) -> dict[UUID, Status]:
    """Return each visit's status.

    At any hour, even while all clinics are closed, the last visitor is still with the doctor and the next one has
    arrived. One customer at each clinic has a time on hold.
    """
    statuses = {each.id: outcome(each.luck, each.visit, world.now) for each in booked}
    live = [each for each in booked if statuses[each.id] != Status.CANCELLED]
    statuses[next(each.id for each in reversed(live) if each.start <= world.now)] = Status.CHECKED_IN
    statuses[next(each.id for each in live if each.start > world.now)] = Status.ARRIVED
    by_clinic = groupby(sorted(live, key=attrgetter("clinic_id")), key=attrgetter("clinic_id"))
    for clinic_id, visits in by_clinic:
        of_clinic = list(visits)
        statuses[next(each.id for each in of_clinic if _can_be_on_hold(world, each))] = Status.PENDING
        zone = stories[clinic_id].content.time_zone
        today = clock.local_date(world.now, zone)
        statuses |= _liven_up(world, [each for each in of_clinic if clock.local_date(each.start, zone) == today])
    return statuses


def _liven_up(world: World, today: Sequence[BookedVisit]) -> dict[UUID, Status]:
    """Return statuses that give a clinic's day an example of every state, as far as the time of day allows. `today`
    contains its visits that have not been cancelled."""
    past = [each for each in today if each.start <= world.now]
    coming = [each for each in today if each.start > world.now]
    changes: dict[UUID, Status] = {}
    if len(past) > MIN_FOR_EVERY_STATE:
        changes |= {past[0].id: Status.NOSHOW, past[1].id: Status.CANCELLED, past[2].id: Status.FULFILLED}
    if past and past[-1].visit.end > world.now - RECENTLY:
        changes[past[-1].id] = Status.CHECKED_IN
    if coming and coming[0].start <= world.now + RECENTLY:
        changes[coming[0].id] = Status.ARRIVED
    return changes


def _can_be_on_hold(world: World, booked: BookedVisit) -> bool:
    return booked.start > world.midnight + timedelta(days=3) and booked.booker_id is None


def _row(world: World, booked: BookedVisit, status: Status, story: ClinicStory) -> tuple[Any, ...]:
    visit, is_hold = booked.visit, status == Status.PENDING
    reason = _cancel_reason(booked, story) if status == Status.CANCELLED else None
    return (
        booked.clinic_id,
        booked.id,
        booked.booking_id,
        booked.position,
        visit.doctor_id,
        booked.customer_id,
        booked.booker_id,
        visit.kind.id,
        status,
        world.now + HOLD_TTL if is_hold else None,
        visit.during,
        visit.claimed,
        booked.whim < 0.2,
        visit.kind.price,
        None if visit.kind.price is None else story.content.currency,
        story.notes[int(booked.whim * 30)] if booked.whim < 0.1 else None,
        reason,
        _cancel_cause(status, reason),
        reason == CancelCause.HOLD_EXPIRED,
        MOVES[status] + 1,
        world.now if is_hold else booked.booked_at,
        _changed_at(world, booked, status),
    )


def _cancel_reason(booked: BookedVisit, story: ClinicStory) -> str | None:
    reasons = (None, CancelCause.HOLD_EXPIRED, *story.reasons, *story.reasons)
    return reasons[int(booked.whim * len(reasons))]


def _cancel_cause(status: Status, reason: str | None) -> str | None:
    if status != Status.CANCELLED:
        return None
    return CancelCause.HOLD_EXPIRED if reason == CancelCause.HOLD_EXPIRED else CancelCause.REQUEST


def _changed_at(world: World, booked: BookedVisit, status: Status) -> datetime:
    """Return when the appointment last changed."""
    match status:
        case Status.PENDING:
            return world.now
        case Status.BOOKED:
            return booked.booked_at
        case Status.CANCELLED:
            return booked.booked_at + timedelta(hours=1)
        case _:
            return min(booked.visit.end, world.now)
