"""While visitors wait in a queue, those who have had their turn are not all offered the same time."""

import re
from datetime import datetime, timedelta
from random import Random

import pytest

from appoint.booking.availability.model import OfferedTime
from appoint.site.patient.rush_times import pick_from_halves
from support.app import ADMIN
from support.manage_links import START, create_visit
from support.queues import Visitor, change_queue, queue_client, waits
from support.world import create_appointment_type

ZONE = "Europe/Berlin"
ANY_TIME = re.compile(r'href="([^"]+start=([^&"]+)[^"]*)"[^>]*>[^<]*any time in the (morning|afternoon)')


@pytest.fixture
async def client(db, database_url, monkeypatch):
    async with queue_client(database_url, monkeypatch) as client:
        visit = await create_visit(db, client)
        client.type = await create_appointment_type(client)
        await client.patch("/api/clinics/1", json={"slug": "lakeside"}, headers=ADMIN)
        client.doctor = visit["doctorId"]
        yield client


async def times_page(client):
    visitor = Visitor(client)
    page = await visitor.get(f"/c/lakeside/times?type={client.type}&date={START:%Y-%m-%d}")
    if waits(page):
        await client.queues.advance()
        page = await visitor.get(f"/c/lakeside/times?type={client.type}&date={START:%Y-%m-%d}")
    return page.text


def starts_on(page):
    return re.findall(r'<time datetime="([^"]+)" data-local', page)


async def test_pages_offer_any_time_in_half_a_day_and_mix_each_hours_times_only_in_a_rush(client):
    calm = await times_page(client)
    assert not ANY_TIME.search(calm)
    assert starts_on(calm) == sorted(starts_on(calm))
    await change_queue(client, open=True)
    page = await times_page(client)
    halves = {half: datetime.fromisoformat(start.replace("%3A", ":")) for _, start, half in ANY_TIME.findall(page)}
    assert set(halves) == {"morning", "afternoon"}
    assert halves["morning"].hour + 1 < 12 <= halves["afternoon"].hour + 1
    assert sorted(starts_on(page)) == starts_on(calm)
    hours = [start[:13] for start in starts_on(page)]
    assert hours == sorted(hours)


async def test_the_offered_time_leads_to_its_form(client):
    await change_queue(client, open=True)
    (address, *_) = ANY_TIME.search(await times_page(client)).groups()
    visitor = Visitor(client)
    await visitor.get()
    await client.queues.advance()
    form = await visitor.get(address.replace("&amp;", "&"))
    assert form.status_code == 200
    assert 'name="email"' in form.text


def offers(number, doctor="00000001-0000-8000-8000-000000000001"):
    first = datetime.fromisoformat("2027-03-01T07:00:00+00:00")
    times = [first + timedelta(minutes=10 * index) for index in range(number)]
    return [OfferedTime(start, start + timedelta(minutes=10), doctor, None, True) for start in times]


def test_visitors_are_spread_over_all_times():
    picked = {pick_from_halves({"": offers(18)}, ZONE, Random(seed))["morning"].start_time for seed in range(300)}
    assert len(picked) == 18


def test_a_half_with_hardly_any_times_is_not_offered_as_a_whole():
    assert pick_from_halves({"": offers(2)}, ZONE, Random(1)) == {}


async def test_the_order_differs_between_visitors(client):
    await change_queue(client, open=True)
    pages = [tuple(starts_on(await times_page(client))) for _ in range(8)]
    assert len(set(pages)) > 1
