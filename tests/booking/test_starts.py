"""The start times that slots and claims allow: `availability.model.starts`, compared with an oracle and without a
database.
"""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from appoint.booking.availability.model import DoctorTime, PublishedSlot, Terms, starts
from appoint.clinics.catalogue.model import Length
from support.brute_force import Clinic, Doctor, Offer, Slot, VisitLength
from support.scale import scaled

DOCTOR = UUID("00000001-0197-8cb1-8c0b-0be260bd516d")
MIDNIGHT = {  # on days with or near a clock change, and on an ordinary day
    "Europe/Berlin": datetime(2027, 3, 27, 23, tzinfo=UTC),
    "America/New_York": datetime(2027, 11, 7, 4, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2027, 4, 3, 13, tzinfo=UTC),
    "America/Sao_Paulo": datetime(2018, 11, 3, 3, tzinfo=UTC),
    "Asia/Kolkata": datetime(2027, 3, 27, 18, 30, tzinfo=UTC),
}
MINUTES_IN_TWO_DAYS = st.integers(0, 2 * 24 * 60)


@st.composite
def ranges(draw, most):
    """Return sorted ranges that do not overlap. Some are adjacent."""
    edges = sorted(draw(st.lists(MINUTES_IN_TWO_DAYS, max_size=2 * most, unique=True)))
    pairs = [list(pair) for pair in zip(edges[::2], edges[1::2], strict=False)]
    for one, other in pairwise(pairs):
        if draw(st.booleans()):
            one[1] = other[0]
    return pairs


@settings(max_examples=scaled(400, 100), deadline=None)
@given(
    zone=st.sampled_from(sorted(MIDNIGHT)),
    slots=ranges(5),
    claims=ranges(6),
    visit=st.none() | st.builds(VisitLength, st.integers(1, 180), st.integers(0, 60), st.integers(0, 60)),
    step=st.integers(1, 90),
    earliest=MINUTES_IN_TWO_DAYS,
    days=st.integers(0, 2),
)
def test_starts_match_a_minute_by_minute_count(*, zone, slots, claims, visit, step, earliest, days):
    base = MIDNIGHT[zone]

    def at(minutes):
        return base + timedelta(minutes=minutes)

    clinic = Clinic(zone, now=at(earliest), step=step, notice=0, horizon=days)
    terms = Terms(zone, timedelta(minutes=step), at(earliest), clinic.day(at(earliest)) + timedelta(days=days))
    published_slots = [PublishedSlot(UUID(int=n), at(start), at(end)) for n, (start, end) in enumerate(slots)]
    claimed_times = [(at(start), at(end)) for start, end in claims]
    length = visit and Length(visit.minutes, timedelta(minutes=visit.before), timedelta(minutes=visit.after))

    offers = list(starts(DoctorTime(DOCTOR, published_slots, claimed_times), length, terms))

    doctor = Doctor(DOCTOR, [Slot(slot.start, slot.end) for slot in published_slots], claimed_times)
    assert [Offer(offer.start_time, offer.end_time, offer.doctor_id, offer.available) for _, offer in offers] == list(
        clinic.offers(doctor, visit)
    )
    assert [day for day, _ in offers] == [clinic.day(offer.start_time) for _, offer in offers]


def test_an_offer_that_fills_a_whole_slot_has_the_slots_id():
    base = MIDNIGHT["Asia/Kolkata"]
    slots = [
        PublishedSlot(UUID(int=n), base + timedelta(minutes=30 * n), base + timedelta(minutes=30 * n + 30))
        for n in range(2)
    ]
    terms = Terms("Asia/Kolkata", timedelta(minutes=15), base, date(2027, 3, 28))
    offers = [offer.booking_slot_id for _, offer in starts(DoctorTime(DOCTOR, slots, []), Length(30), terms)]
    assert offers == [UUID(int=0), None, UUID(int=1)]
