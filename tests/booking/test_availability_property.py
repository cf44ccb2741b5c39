"""In thousands of generated worlds, booking accepts exactly what availability offers, and both agree with an oracle."""

from datetime import timedelta
from itertools import count

import msgspec
import pytest
from hypothesis import HealthCheck, given, note, settings

from appoint.booking.availability import recent, repository, search
from appoint.booking.availability import service as availability
from appoint.booking.availability.model import Availability, AvailabilityFilter, SearchFilter, SearchPosition
from appoint.booking.book import book
from appoint.booking.model import AppointmentRequest
from appoint.booking.planning import BookingCommand, CustomerRequest
from appoint.kit import errors, ids
from appoint.kit.actors import Actor, Membership, Role
from appoint.kit.cache import ClinicCache
from appoint.oversight.reports import service as sums
from support.brute_force import MINUTE, Clinic, Doctor, Offer, Slot, VisitLength
from support.generated_worlds import INSERT_WORLD, raw_worlds, world_of
from support.scale import scaled

WORLDS = scaled(2000, 150)
clinic_numbers = count(1)


@pytest.fixture
async def customers(db):
    rows = await db.fetch(
        "insert into customer (name) select 'Customer ' || n from generate_series(1, 16) n returning id"
    )
    return [row.id for row in rows]


@pytest.fixture
def small_batches(monkeypatch):
    """Make search read one slot at a time, so that most worlds need several batches."""
    monkeypatch.setattr(search, "FIRST_SLOTS", 1)


class StoredWorld:
    """A world in the database, and its oracle."""

    def __init__(self, world, db, cache, customers):
        self.world, self.db, self.cache = world, db, cache
        self.clinic_id = next(clinic_numbers)
        self.doctor_ids = [ids.new_id(self.clinic_id) for _ in world.doctors]
        self.type_id, self.other_type_id = ids.new_id(self.clinic_id), ids.new_id(self.clinic_id)
        self.customers = iter(customers[len(world.visits) :])
        self.visitors = customers[: len(world.visits)]
        self.clinic = Clinic(world.zone, now=world.now, step=world.step, notice=world.notice, horizon=world.horizon)

    async def store(self):
        world = self.world
        await self.db.execute(
            INSERT_WORLD,
            self.clinic_id,
            world.zone,
            world.step,
            world.notice,
            world.horizon,
            self.doctor_ids,
            world.doctors,
            self.type_id,
            *(world.length or VisitLength(30)),
            world.type_active,
            world.picky,
            self.visitors,
            *columns(world.lines, lambda line: (*self.doctor_and_date(line), line.first, line.last, line.removed), 5),
            *columns(world.absences, lambda line: (*self.doctor_and_date(line), line.first, line.last), 4),
            *columns(world.visits, lambda visit: (*self.doctor_and_date(visit), visit.minute, *visit.length), 6),
            world.now,
            self.other_type_id,
            [visit.status for visit in world.visits],
        )
        slots = await self.db.fetch(
            """
            select doctor_id, lower(during), upper(during) from booking_slot
             where clinic_id = $1 and removed_at is null
            """,
            self.clinic_id,
        )
        visits = await self.db.fetch(
            """
            select doctor_id, lower(claimed), upper(claimed) from appointment
             where clinic_id = $1 and status not in ('cancelled', 'noshow')
            """,
            self.clinic_id,
        )
        self.doctors = [
            Doctor(
                id,
                [Slot(*row[1:]) for row in slots if row[0] == id],
                [tuple(row[1:]) for row in visits if row[0] == id],
            )
            for id in self.doctor_ids
        ]
        return self

    @property
    def caller(self):
        """A partner system. It can choose any start, but has to follow the clinic's policy."""
        return Actor("partner", memberships=(Membership(self.clinic_id, Role.PARTNER),))

    def doctor_and_date(self, at):
        return self.doctor_ids[at.doctor], self.world.day + timedelta(days=at.days_later)

    def bookable_doctors(self):
        """Return the active doctors who offer the type."""
        if self.world.typed and not self.world.type_active:
            return []
        return [
            doctor
            for n, doctor in enumerate(self.doctors)
            if self.world.doctors[n] and not (self.world.picky and self.world.typed and n == 0)
        ]

    @property
    def length_filter(self):
        """Return the filter for the type or the length."""
        if self.world.typed:
            return {"appointment_type_id": self.type_id}
        return {"minutes": self.world.length.minutes} if self.world.length else {}

    async def check_availability(self, *, show):
        """Compare availability with the oracle, and return the offers for the requested days. Find free times as if the
        clinic had many doctors.
        """
        world = self.world
        query = AvailabilityFilter(from_=world.first, to=world.last, show=show, **self.length_filter)
        days = {"clinic_id": self.clinic_id, "query": query, "first": world.first, "last": world.last, "now": world.now}
        with pytest.MonkeyPatch.context() as monkeypatch:
            if show == "free":
                monkeypatch.setattr(repository, "MANY_DOCTORS", 1)
                monkeypatch.setattr(availability, "FIRST_DOCTORS", 1)
            result = await availability.find_for_clinic(self.db, self.cache, **days)
            free_days = await availability.find_free_days(self.db, self.cache, **days)
        assert free_days == {day.date for day in result.days if day.free}
        free_times = AvailabilityFilter(from_=world.first, to=world.last, **self.length_filter)
        document = await recent.find_recent(self.db, self.cache, **(days | {"query": free_times}))
        if show == "free":  # the first document was stored before the bookings
            assert msgspec.json.decode(document.body, type=Availability) == result

        offers = [offer for doctor in self.bookable_doctors() for offer in self.clinic.offers(doctor, world.length)]
        expected = [
            (self.clinic.day(offer.start), offer)
            for offer in sorted(offers, key=lambda offer: (offer.start, offer.doctor))
        ]
        inside = [(day, offer) for day, offer in expected if world.first <= day <= world.last]
        assert [(day.date, offer_of(slot)) for day in result.days for slot in day.slots] == [
            item for item in inside if show == "all" or item[1].available
        ]
        assert [day.free for day in result.days] == [
            sum(offer.available and on == day.date for on, offer in inside) for day in result.days
        ]
        next_offer = next((offer for day, offer in expected if offer.available and day >= world.first), None)
        assert (result.next_available and offer_of(result.next_available)) == next_offer
        return [offer for _, offer in inside]

    async def check_search(self, offers):
        """Compare a search's first page, and a page that starts after an arbitrary offer, with the offers. A search
        lists each time only under its slot's date.
        """
        if any(line.last > 1440 for line in self.world.lines):
            return
        expected = [(offer.start, offer.end, offer.doctor) for offer in offers if offer.available]
        query = SearchFilter(
            from_=self.world.first, to=self.world.last, clinic_id=self.clinic_id, limit=20, **self.length_filter
        )
        for n in (0, self.world.attempts[0].n % (len(expected) + 1)):
            cursor = SearchPosition(expected[n - 1][0], self.clinic_id, expected[n - 1][2]) if n else None
            result = await search.search(
                self.db, query=query, after=cursor, first=self.world.first, last=self.world.last, now=self.world.now
            )
            assert [(time.start_time, time.end_time, time.doctor_id) for time in result] == expected[n : n + 21]

    async def book(self, doctor_id, start, minutes):
        """Return the booked doctor, or None if the booking is refused."""
        customer = next(self.customers)
        length = {"appointment_type_id": self.type_id} if self.world.typed else {"end_time": start + minutes * MINUTE}
        request = AppointmentRequest(
            customer_id=customer, clinic_id=self.clinic_id, doctor_id=doctor_id, start_time=start, **length
        )
        try:
            requests = [CustomerRequest(customer, request)]
            command = BookingCommand(self.clinic_id, requests, self.caller, 10 * MINUTE, self.world.now)
            result = await book(self.db, self.cache, command)
        except errors.Conflict:
            return None
        return result.booking.appointments[0].doctor_id

    async def run_attempt(self, attempt, offers):
        """Try to book, compare the result with the oracle, and tell the oracle about a new appointment."""
        length = self.world.length
        candidates = (
            [offer for offer in offers if offer.available == (attempt.pick == "free")]
            if attempt.pick != "any minute"
            else []
        )
        slots = [(doctor, slot) for doctor in self.doctors for slot in doctor.slots]
        if candidates:
            offer = candidates[attempt.n % len(candidates)]
            doctor_id, start = offer.doctor, offer.start
            length = length or VisitLength((offer.end - offer.start) // MINUTE)
        elif slots:
            doctor, slot = slots[attempt.n % len(slots)]
            doctor_id, start = doctor.id, slot.start + attempt.minutes * MINUTE
            length = length or VisitLength((slot.end - slot.start) // MINUTE)
        else:
            return
        doctors = [doctor for doctor in self.bookable_doctors() if attempt.any_doctor or doctor.id == doctor_id]
        free = {doctor.id: doctor for doctor in doctors if self.clinic.is_bookable(doctor, start, length)}
        result = await self.book(None if attempt.any_doctor else doctor_id, start, length.minutes)
        assert (result in free) if free else result is None
        if result:
            free[result].claim(start, length)


def columns(rows, values, width):
    return [list(column) for column in zip(*map(values, rows), strict=True)] or [[]] * width


def offer_of(slot):
    return Offer(slot.start_time, slot.end_time, slot.doctor_id, slot.available)


@settings(
    max_examples=WORLDS,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(raw=raw_worlds)
async def test_exactly_the_offered_times_can_be_booked(db, customers, small_batches, raw):
    world = world_of(raw)
    note(world)
    async with ClinicCache(None, recent_seconds=60) as cache:
        stored = await StoredWorld(world, db, cache, customers).store()
        await sums.rebuild(db, [stored.clinic_id], done=lambda _: None)  # finds out which days are full
        offers = await stored.check_availability(show="all")
        for attempt in world.attempts:
            await stored.run_attempt(attempt, offers)
        await stored.check_search(await stored.check_availability(show="free"))
