"""How many visitors a process lets in: as many as it can serve, evenly, and without waiting for those who have left."""

import pytest

from appoint.clinics.queues.pace import MIN_SHARE, PEAK, Pace


def second(pace, number, *, start=0.0, takes=0.01, lag=0.0, has_waiting=True):
    """Let `number` visitors come for a pass, evenly within a second, in which requests take `takes` seconds. Return how
    many get one, and how many visitors are let in at the end."""
    passes = sum(pace.allows_pass(start + each / number) for each in range(number))
    for _ in range(passes):
        pace.observe(takes, failed=False)
    return passes, pace.advance(1, lag=lag, has_waiting=has_waiting)


def test_fast_responses_raise_the_pace_and_slow_ones_lower_it():
    pace = Pace(100)
    for at in range(70):
        second(pace, round(pace.rate), start=at)
    assert 50 < pace.rate <= 100
    for at in range(70, 100):
        second(pace, 10, start=at, takes=2)
    assert pace.rate == 1


def test_the_pace_does_not_rise_while_few_visitors_come():
    pace = Pace(100)
    for at in range(60):
        second(pace, 2, start=at)
    assert pace.rate == 5
    second(pace, 3, start=60)
    assert pace.rate == 5.25


def test_visitors_who_are_turned_away_use_the_pace_too():
    pace = Pace(100)
    pace.rate = 20.0
    assert sum(pace.allows_pass(0) for _ in range(50)) < 10
    pace.advance(1, lag=0, has_waiting=True)
    assert pace.rate == 21


def test_a_process_that_is_late_lets_fewer_in_and_one_that_is_busy_lets_no_more_in():
    late, busy = Pace(100), Pace(100)
    second(late, 5, lag=2)
    for _ in range(50):
        busy.observe(0.1, failed=False)
    second(busy, 5)
    assert (late.rate, busy.rate) == (3.5, 5)


def test_fractions_add_up():
    pace = Pace(1.5)
    assert sum(second(pace, 1, start=at, has_waiting=False)[1] for at in range(10)) == 15


@pytest.mark.parametrize(("rate", "at_once"), [(5, 5), (100, 37)])
def test_a_burst_of_visitors_gets_passes_no_faster_than_the_peak(rate, at_once):
    pace = Pace(1000)
    pace.rate = float(rate)
    passes = [sum(pace.allows_pass(at / 10) for _ in range(50)) for at in range(101)]
    assert passes[0] == pytest.approx(at_once, abs=1)
    assert sum(passes) == pytest.approx(10 * PEAK * rate + at_once, abs=2)
    assert max(passes[1:]) <= PEAK * rate / 10 + 1


def test_passes_never_exceed_the_configured_limit():
    pace = Pace(20)
    pace.rate = 20.0
    assert sum(pace.allows_pass(at / 100) for at in range(1000)) <= 20 * 10 + 5


def test_a_few_visitors_get_their_passes_at_once_even_at_the_lowest_pace():
    pace = Pace(100)
    pace.rate = 1.0
    assert [pace.allows_pass(7) for _ in range(6)] == [True] * 5 + [False]


@pytest.mark.parametrize("share", [1, 0.7, 0.4])
def test_those_who_do_not_come_do_not_hold_up_the_others(share):
    """Visitors come ten seconds after they have been let in, if at all."""
    pace = Pace(50)
    let_in, passes = [5] * 10, 0
    for at in range(300):
        came, number = second(pace, round(let_in[at] * share), start=at)
        let_in.append(number)
        passes += came if at >= 200 else 0
    assert passes / 100 == pytest.approx(50, rel=0.15)


def test_if_no_one_comes_the_queue_moves_only_a_few_times_faster():
    pace = Pace(100)
    numbers = [second(pace, 0, start=at)[1] for at in range(200)]
    assert max(numbers) <= 5 / MIN_SHARE
    assert numbers[-1] == 5 / MIN_SHARE


def test_fewer_are_let_in_while_others_wait_for_their_pass():
    pace = Pace(100)
    for _ in range(7):
        pace.allows_pass(0)
    assert pace.advance(1, lag=0, has_waiting=True) == 3
    for _ in range(20):
        pace.allows_pass(0)
    assert pace.advance(1, lag=0, has_waiting=True) == 0


def test_an_empty_queue_does_not_count_as_one_that_people_have_left():
    pace = Pace(100)
    for at in range(100):
        second(pace, 1, start=at, has_waiting=False)
    assert second(pace, 1, start=100)[1] <= 6
