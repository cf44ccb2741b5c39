"""Assigning doctors to several appointments: the search finds an assignment whenever there is one."""

from datetime import timedelta
from itertools import pairwise, product
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from appoint.booking.assignment import assign
from appoint.booking.time_rules import AppointmentSpec
from support.world import at

DOCTORS = [UUID(int=number) for number in range(3)]


def spec(position: int, start: int, length: int) -> AppointmentSpec:
    begin, end = (at(8) + timedelta(minutes=5 * minutes) for minutes in (start, start + length))
    return AppointmentSpec(position, UUID(int=position), None, begin, end, begin, end, None, [], None, hold=False)


def fits(specs: list[AppointmentSpec], doctors: tuple[UUID, ...]) -> bool:
    taken = sorted((doctor, each.claimed_from, each.claimed_until) for doctor, each in zip(doctors, specs, strict=True))
    return all(first[0] != second[0] or first[2] <= second[1] for first, second in pairwise(taken))


@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.integers(1, 6), st.lists(st.sampled_from(DOCTORS), unique=True)), max_size=5
    )
)
def test_an_assignment_is_found_if_and_only_if_one_exists(times):
    specs = [spec(position, start, length) for position, (start, length, _) in enumerate(times)]
    takers = {position: doctors for position, (_, _, doctors) in enumerate(times)}
    found = assign(specs, takers)
    exists = any(fits(specs, doctors) for doctors in product(*takers.values()))
    assert (found is not None) == exists
    if found is not None:
        doctors = tuple(found[each.position] for each in specs)
        assert fits(specs, doctors)
        assert all(doctor in takers[each.position] for doctor, each in zip(doctors, specs, strict=True))


def test_a_search_is_abandoned_if_it_takes_too_long():
    specs = [spec(position, 0, 6) for position in range(20)]
    takers = {each.position: [UUID(int=number) for number in range(19)] for each in specs}
    assert assign(specs, takers) is None
