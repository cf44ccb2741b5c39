"""Which starts ranges allow: `availability.model.starts` against minutes that are counted one by one, without a
database."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from appoint.booking.availability.model import DoctorTime, PublishedSlot, Terms, starts
from appoint.clinics.catalogue.model import Length
from support.brute_force import Clinic, Doctor, Offer, Slot, Wanted
from support.scale import scaled

DOCTOR = UUID("00000001-0197-8cb1-8c0b-0be260bd516d")
MIDNIGHT = {  # of days on which the clocks change, near them, and of an ordinary one
    "Europe/Berlin": datetime(2027, 3, 27, 23, tzinfo=UTC),
    "America/New_York": datetime(2027, 11, 7, 4, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2027, 4, 3, 13, tzinfo=UTC),
    "America/Sao_Paulo": datetime(2018, 11, 3, 3, tzinfo=UTC),
    "Asia/Kolkata": datetime(2027, 3, 27, 18, 30, tzinfo=UTC),
}
MINUTES_OF_TWO_DAYS = st.integers(0, 2 * 24 * 60)


@st.composite
def ranges(draw, most):
    """Ranges in order that do not overlap; some are adjacent."""
    edges = sorted(draw(st.lists(MINUTES_OF_TWO_DAYS, max_size=2 * most, unique=True)))
    made = [list(pair) for pair in zip(edges[::2], edges[1::2], strict=False)]
    for one, other in pairwise(made):
        if draw(st.booleans()):
            one[1] = other[0]
    return made


@settings(max_examples=scaled(400, 100), deadline=None)
@given(
    zone=st.sampled_from(sorted(MIDNIGHT)),
    slots=ranges(5),
    claims=ranges(6),
    wanted=st.none() | st.builds(Wanted, st.integers(1, 180), st.integers(0, 60), st.integers(0, 60)),
    step=st.integers(1, 90),
    earliest=MINUTES_OF_TWO_DAYS,
    days=st.integers(0, 2),
)
def test_a_start_is_offered_where_every_minute_allows_it(*, zone, slots, claims, wanted, step, earliest, days):
    base = MIDNIGHT[zone]

    def at(minutes):
        return base + timedelta(minutes=minutes)

    clinic = Clinic(zone, now=at(earliest), step=step, notice=0, horizon=days)
    terms = Terms(zone, timedelta(minutes=step), at(earliest), clinic.day(at(earliest)) + timedelta(days=days))
    published = [PublishedSlot(UUID(int=n), at(start), at(end)) for n, (start, end) in enumerate(slots)]
    claimed = [(at(start), at(end)) for start, end in claims]
    length = wanted and Length(wanted.minutes, timedelta(minutes=wanted.before), timedelta(minutes=wanted.after))

    found = list(starts(DoctorTime(DOCTOR, published, claimed), length, terms))

    doctor = Doctor(DOCTOR, [Slot(slot.start, slot.end) for slot in published], claimed)
    assert [Offer(offer.start_time, offer.end_time, offer.doctor_id, offer.available) for _, offer in found] == list(
        clinic.offers(doctor, wanted)
    )
    assert [day for day, _ in found] == [clinic.day(offer.start_time) for _, offer in found]


def test_a_time_that_is_all_of_a_slot_names_it():
    base = MIDNIGHT["Asia/Kolkata"]
    slots = [
        PublishedSlot(UUID(int=n), base + timedelta(minutes=30 * n), base + timedelta(minutes=30 * n + 30))
        for n in range(2)
    ]
    terms = Terms("Asia/Kolkata", timedelta(minutes=15), base, date(2027, 3, 28))
    found = [offer.booking_slot_id for _, offer in starts(DoctorTime(DOCTOR, slots, []), Length(30), terms)]
    assert found == [UUID(int=0), None, UUID(int=1)]
