"""Booking takes what availability offers and refuses what it does not, in thousands of worlds; an oracle that counts
minutes agrees with both."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import count, pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from appoint.booking.availability import search
from appoint.booking.availability import service as availability
from appoint.booking.availability.model import AvailabilityFilter, Place, SearchFilter
from appoint.booking.book import book
from appoint.booking.model import AppointmentRequest, Status
from appoint.booking.planning import BookingCommand, CustomerRequest
from appoint.kit import errors, ids
from appoint.kit.cache import ClinicCache
from support.brute_force import MINUTE, Clinic, Doctor, Offer, Slot, Wanted
from support.scale import scaled
from support.world import RECEPTION

WORLDS = scaled(2000, 150)
# Both days on which the clocks change in five zones (in Lord Howe by half an hour, in São Paulo at midnight, which had
# it until 2019), and ordinary days.
DAYS = [
    ("Europe/Berlin", date(2027, 3, 28)),
    ("Europe/Berlin", date(2027, 10, 31)),
    ("America/New_York", date(2027, 3, 14)),
    ("America/New_York", date(2027, 11, 7)),
    ("Australia/Lord_Howe", date(2027, 4, 4)),
    ("Australia/Lord_Howe", date(2027, 10, 3)),
    ("America/Sao_Paulo", date(2018, 2, 17)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("Pacific/Auckland", date(2027, 4, 4)),
    ("Pacific/Auckland", date(2027, 9, 26)),
    ("Europe/Berlin", date(2027, 6, 2)),
    ("Asia/Kolkata", date(2027, 3, 28)),
    ("UTC", date(2027, 12, 31)),
]
HOURS = [(0, 360), (480, 1080), (1080, 1440), (0, 1440), (1320, 1500)]
"""Minutes of the day between which a doctor works: at night, by day, in the evening, at any time, over midnight (which
nothing publishes, but may exist)."""
clinic_numbers = count(1)


class Line(NamedTuple):
    """Published hours, or an absence, in wall time: minutes of a day that many days after the world's."""

    doctor: int
    days_later: int
    first: int
    last: int
    removed: bool = False


class Visit(NamedTuple):
    doctor: int
    days_later: int
    minute: int
    wanted: Wanted
    status: Status


class Try(NamedTuple):
    """A booking to be tried: the n-th time that availability says is free, or is not; or so many minutes after the n-th
    slot's start."""

    pick: str
    n: int
    minutes: int
    anyone: bool


class World(NamedTuple):
    zone: str
    day: date
    now: datetime
    step: int
    notice: int
    horizon: int
    doctors: list[bool]
    """Whether they are active."""
    picky: bool
    """The first doctor does not offer the type."""
    type_active: bool
    typed: bool
    """Whether the type is asked for, or else minutes alone, or (None) whole slots."""
    wanted: Wanted | None
    lines: list[Line]
    absences: list[Line]
    visits: list[Visit]
    first: date
    last: date
    tries: list[Try]


often = st.integers(0, 9).map(bool)
seldom = st.integers(0, 9).map(lambda n: n == 9)
sizes = st.sampled_from([10, 15, 20, 30, 45, 60, 90, 7])
buffers = st.sampled_from([0, 0, 5, 10, 30, 17])
wishes = st.builds(Wanted, sizes, buffers, buffers)
cuts = st.one_of(st.integers(0, 72), st.sampled_from([0, 72]))
shifts = st.tuples(
    st.sampled_from(HOURS), st.lists(cuts, min_size=2, max_size=5, unique=True), st.integers(0, 3**4 - 1)
)
doctors = st.tuples(often, st.sampled_from([(0,), (0, 1), (-1, 0), (0, 18)]), st.tuples(shifts, shifts))
raw_worlds = st.fixed_dictionaries(
    {
        "where": st.sampled_from(DAYS),
        "now": st.integers(-2 * 2880, 1440),
        "step": sizes,
        "notice": st.sampled_from([0, 0, 0, 1, 45, 600]),
        "horizon": st.sampled_from([1, 2, 19, 56]),
        "doctors": st.lists(doctors, min_size=1, max_size=3),
        "picky": seldom,
        "type_active": often,
        "typed": often,
        "wanted": st.one_of(wishes, wishes, st.none()),
        "absences": st.lists(st.tuples(st.integers(0, 20), st.integers(0, 120), st.integers(1, 90)), max_size=1),
        "visits": st.lists(
            st.tuples(st.integers(0, 20), st.integers(0, 180), wishes, st.sampled_from(Status)), max_size=5
        ),
        "range": st.tuples(st.sampled_from([0, 0, 0, -1, 1]), st.integers(0, 2)),
        "tries": st.lists(
            st.builds(
                Try,
                st.sampled_from(["free", "free", "not free", "any minute"]),
                st.integers(0, 99),
                st.integers(-20, 300),
                st.booleans(),
            ),
            min_size=2,
            max_size=6,
        ),
    }
)


def world_of(raw):
    zone, day = raw["where"]
    midnight = datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
    lines: list[Line] = []
    for doctor, (_, dates, weeks) in enumerate(raw["doctors"]):
        for days_later, ((low, high), cuts, marks) in zip(dates, weeks, strict=False):
            edges = sorted(low + cut * (high - low) // 72 for cut in cuts)
            for n, (first, last) in enumerate(pairwise(edges)):
                mark = marks // 3**n % 3  # a gap, time that was removed by hand, or hours; adjacent ones sometimes
                if mark or len(edges) == 2:
                    lines.append(Line(doctor, days_later, first, last, removed=mark == 1 and len(edges) > 3))
    picked = [(lines[n % len(lines)], *rest) for n, *rest in raw["visits"] if lines]
    away = [(lines[n % len(lines)], *rest) for n, *rest in raw["absences"] if lines]
    first = day + timedelta(days=raw["range"][0])
    typed = raw["typed"] and raw["wanted"] is not None
    return World(
        zone=zone,
        day=day,
        now=midnight + timedelta(seconds=30 * raw["now"]),
        step=raw["step"],
        notice=raw["notice"],
        horizon=raw["horizon"],
        doctors=[active for active, *_ in raw["doctors"]],
        picky=raw["picky"],
        type_active=raw["type_active"],
        typed=typed,
        wanted=raw["wanted"] if typed or raw["wanted"] is None else Wanted(raw["wanted"].minutes),
        lines=lines,
        absences=[
            Line(at.doctor, at.days_later, at.first + offset, at.first + offset + minutes)
            for at, offset, minutes in away
        ],
        visits=[
            Visit(at.doctor, at.days_later, at.first + offset, wanted, status) for at, offset, wanted, status in picked
        ],
        first=first,
        last=first + timedelta(days=raw["range"][1]),
        tries=raw["tries"],
    )


@pytest.fixture
async def customers(db):
    rows = await db.fetch(
        "insert into customer (name) select 'Customer ' || n from generate_series(1, 16) n returning id"
    )
    return [row.id for row in rows]


@pytest.fixture
def read_bit_by_bit(monkeypatch):
    """Search reads so little at once that it has to go on in most worlds."""
    monkeypatch.setattr(search, "FIRST_SLOTS", 1)


class Made:
    """A world as it stands in the database, and for the oracle."""

    def __init__(self, world, db, cache, customers):
        self.world, self.db, self.cache = world, db, cache
        self.clinic_id = next(clinic_numbers)
        self.doctor_ids = [ids.new_id(self.clinic_id) for _ in world.doctors]
        self.type_id, self.other_type_id = ids.new_id(self.clinic_id), ids.new_id(self.clinic_id)
        self.customers = iter(customers[len(world.visits) :])
        self.visitors = customers[: len(world.visits)]
        self.clinic = Clinic(world.zone, now=world.now, step=world.step, notice=world.notice, horizon=world.horizon)

    async def make(self):
        world = self.world
        await self.db.execute(
            """
            with clinic as (
              insert into clinic (id, name, time_zone, slot_step_minutes, min_notice_minutes, horizon_days) values ($1, 'Lakeside', $2, $3, $4, $5)
            ), doctors as (
              insert into doctor (clinic_id, id, name, active, removed_at)
              select $1, id, 'Dr Shah', active, case when not active then now() end from unnest($6::uuid[], $7::boolean[]) as d (id, active)
            ), types as (
              insert into appointment_type (clinic_id, id, name, minutes, buffer_before_minutes, buffer_after_minutes, active, removed_at)
              values ($1, $8, 'Check-up', $9, $10, $11, $12, case when not $12 then now() end), ($1, $31, 'Operation', 60, 0, 0, true, null)
            ), offered as (
              insert into doctor_appointment_type (clinic_id, doctor_id, appointment_type_id) select $1, ($6::uuid[])[1], $31 where $13
            ), patients as (
              insert into patient (clinic_id, customer_id) select $1, id from unnest($14::uuid[]) as id
            ), hours as (
              select doctor_id, day, tstzrange(starts, ends) as during, removed
                from unnest($15::uuid[], $16::date[], $17::int[], $18::int[], $19::boolean[]) as l (doctor_id, day, first, last, removed),
                     lateral (select local_instant(day, first, $2) as starts, local_instant(day, last, $2) as ends) as i
               where starts < ends
            ), away as (
              select doctor_id, range_agg(tstzrange(starts, ends)) as during
                from unnest($20::uuid[], $21::date[], $22::int[], $23::int[]) as l (doctor_id, day, first, last),
                     lateral (select local_instant(day, first, $2) as starts, local_instant(day, last, $2) as ends) as i
               where starts < ends
               group by doctor_id
            ), slots as (
              insert into booking_slot (clinic_id, id, doctor_id, date, during, removed_at)
              select $1, mint_id($1), doctor_id, day, piece, case when removed then now() end
                from hours left join away using (doctor_id), unnest(tstzmultirange(hours.during) - coalesce(away.during, '{}')) as piece
              on conflict do nothing  -- a line that the clock's change moves onto another
              returning doctor_id, active_during
            )
            insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, during, claimed, status, hold_expires_at)
            select $1, mint_id($1), mint_id($1), doctor_id, customer_id, tstzrange(starts, ends),
                   tstzrange(starts - make_interval(mins => before), ends + make_interval(mins => after)), status, case when status = 'pending' then $30::timestamptz end
              from unnest($24::uuid[], $25::date[], $26::int[], $27::int[], $28::int[], $29::int[], $32::text[], $14::uuid[])
                   as v (doctor_id, day, minute, minutes, before, after, status, customer_id),
                   lateral (select local_instant(day, minute, $2) as starts, local_instant(day, minute, $2) + make_interval(mins => minutes) as ends) as i
             where status in ('cancelled', 'noshow')
                or exists (select from slots s where s.doctor_id = v.doctor_id and s.active_during @> tstzrange(starts, ends))
            on conflict do nothing
            """,
            self.clinic_id,
            world.zone,
            world.step,
            world.notice,
            world.horizon,
            self.doctor_ids,
            world.doctors,
            self.type_id,
            *(world.wanted or Wanted(30)),
            world.type_active,
            world.picky,
            self.visitors,
            *columns(world.lines, lambda line: (*self.wall(line), line.first, line.last, line.removed), 5),
            *columns(world.absences, lambda line: (*self.wall(line), line.first, line.last), 4),
            *columns(world.visits, lambda visit: (*self.wall(visit), visit.minute, *visit.wanted), 6),
            world.now,
            self.other_type_id,
            [visit.status for visit in world.visits],
        )
        slots = await self.db.fetch(
            "select doctor_id, lower(during), upper(during) from booking_slot where clinic_id = $1 and removed_at is null",
            self.clinic_id,
        )
        visits = await self.db.fetch(
            "select doctor_id, lower(claimed), upper(claimed) from appointment where clinic_id = $1 and status not in ('cancelled', 'noshow')",
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

    def wall(self, at):
        return self.doctor_ids[at.doctor], self.world.day + timedelta(days=at.days_later)

    def candidates(self):
        """The doctors who can be booked at all."""
        if self.world.typed and not self.world.type_active:
            return []
        return [
            doctor
            for n, doctor in enumerate(self.doctors)
            if self.world.doctors[n] and not (self.world.picky and self.world.typed and n == 0)
        ]

    @property
    def length(self):
        """What is looked for, as filters have it."""
        if self.world.typed:
            return {"appointment_type_id": self.type_id}
        return {"minutes": self.world.wanted.minutes} if self.world.wanted else {}

    async def agrees(self, *, show):
        """Availability says what the oracle says; returns the offers of the days asked for."""
        world = self.world
        asked = AvailabilityFilter(from_=world.first, to=world.last, show=show, **self.length)
        found = await availability.of_clinic(
            self.db,
            self.cache,
            clinic_id=self.clinic_id,
            query=asked,
            first=world.first,
            last=world.last,
            now=world.now,
        )

        offers = [offer for doctor in self.candidates() for offer in self.clinic.offers(doctor, world.wanted)]
        expected = [
            (self.clinic.day(offer.start), offer)
            for offer in sorted(offers, key=lambda offer: (offer.start, offer.doctor))
        ]
        inside = [(day, offer) for day, offer in expected if world.first <= day <= world.last]
        assert [(day.date, offer_of(slot)) for day in found.days for slot in day.slots] == [
            item for item in inside if show == "all" or item[1].available
        ]
        assert [day.free for day in found.days] == [
            sum(offer.available and on == day.date for on, offer in inside) for day in found.days
        ]
        upcoming = next((offer for day, offer in expected if offer.available and day >= world.first), None)
        assert (found.next_available and offer_of(found.next_available)) == upcoming
        return [offer for _, offer in inside]

    async def search_agrees(self, offers):
        """Search finds the same, on its first page and on one that goes on from anywhere; it looks for a time on its
        slot's date only."""
        if any(line.last > 1440 for line in self.world.lines):
            return
        expected = [(offer.start, offer.end, offer.doctor) for offer in offers if offer.available]
        asked = SearchFilter(
            from_=self.world.first, to=self.world.last, clinic_id=self.clinic_id, limit=20, **self.length
        )
        for n in (0, self.world.tries[0].n % (len(expected) + 1)):
            seen = Place(expected[n - 1][0], self.clinic_id, expected[n - 1][2]) if n else None
            found = await search.search(
                self.db, query=asked, after=seen, first=self.world.first, last=self.world.last, now=self.world.now
            )
            assert [(time.start_time, time.end_time, time.doctor_id) for time in found] == expected[n : n + 21]

    async def book(self, doctor_id, start, minutes):
        """The doctor who was booked, or None for a refusal."""
        customer = next(self.customers)
        length = {"appointment_type_id": self.type_id} if self.world.typed else {"end_time": start + minutes * MINUTE}
        wish = AppointmentRequest(
            customer_id=customer, clinic_id=self.clinic_id, doctor_id=doctor_id, start_time=start, **length
        )
        try:
            requests = [CustomerRequest(customer, wish)]
            command = BookingCommand(self.clinic_id, requests, RECEPTION, 10 * MINUTE, self.world.now)
            booked = await book(self.db, self.cache, command)
        except errors.Conflict:
            return None
        return booked.booking.appointments[0].doctor_id

    async def attempt(self, tried, offers):
        """Book, and see that the oracle expected as much; what is booked is taken from then on."""
        wanted = self.world.wanted
        chosen = (
            [offer for offer in offers if offer.available == (tried.pick == "free")]
            if tried.pick != "any minute"
            else []
        )
        slots = [(doctor, slot) for doctor in self.doctors for slot in doctor.slots]
        if chosen:
            offer = chosen[tried.n % len(chosen)]
            doctor_id, start, length = offer.doctor, offer.start, wanted or Wanted((offer.end - offer.start) // MINUTE)
        elif slots:
            doctor, slot = slots[tried.n % len(slots)]
            doctor_id, start, length = (
                doctor.id,
                slot.start + tried.minutes * MINUTE,
                wanted or Wanted((slot.end - slot.start) // MINUTE),
            )
        else:
            return
        asked = [doctor for doctor in self.candidates() if tried.anyone or doctor.id == doctor_id]
        free = [doctor for doctor in asked if self.clinic.is_bookable(doctor, start, length)]
        booked = await self.book(None if tried.anyone else doctor_id, start, length.minutes)
        assert (booked in [doctor.id for doctor in free]) if free else booked is None
        for doctor in free:
            if doctor.id == booked:
                doctor.claim(start, length)


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
async def test_what_is_offered_can_be_booked_and_nothing_else(db, customers, read_bit_by_bit, raw):
    world = world_of(raw)
    note(world)
    async with ClinicCache(None) as cache:
        made = await Made(world, db, cache, customers).make()
        offers = await made.agrees(show="all")
        for tried in world.tries:
            await made.attempt(tried, offers)
        await made.search_agrees(await made.agrees(show="free"))
