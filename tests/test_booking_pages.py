"""Patients find a clinic and book by pages: what they show, what they cost, and that a form books once. In a browser: pages/test_booking_pages.py."""

import asyncio
import gzip
import re
import tempfile
from contextlib import asynccontextmanager
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from appoint import app as application
from appoint.web import assets
from appoint.web.access import COOKIE
from conftest import ADMIN, TOKEN, settings
from rows import NOW, appointment_type, clinic, customer, doctor, publish
from test_round_trips import counted
from test_sign_in_codes import answer as sign_in_with_code
from test_sign_in_codes import ask as ask_for_code

FIRST_PAGE_BYTES = 14_000
PATIENTS_BYTES = 60_000
DAY = (NOW + timedelta(days=2)).replace(hour=7, minute=0, second=0)
"""When the doctors of these tests begin; it is morning in Berlin."""


@pytest.fixture
async def lakeside(db, client):
    """A clinic with a slug, a doctor and a type; returns the type's id."""
    await clinic(client, slug="lakeside", address="Am See 1\n10115 Berlin", phone="+493012345678")
    shah = await doctor(client, specialty="Dermatology")
    type = await appointment_type(client, description="Once a year")
    await publish(db, shah, DAY, DAY + timedelta(hours=2))
    return type


def form_of(page):
    """The address and the hidden fields of the booking form."""
    address = unescape(re.search(r'id="booking" action="([^"]+)"', page.text).group(1))
    return address, dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))


async def open_form(client, type, start=DAY, base="/c/lakeside", **query):
    page = await client.get(f"{base}/details", params={"type": type, "start": start.isoformat(), **query})
    assert page.status_code == 200
    return form_of(page)


async def send(client, form, **typed):
    address, hidden = form
    return await client.post(address, data=hidden | {"name": "Ana Souza", "email": "ana@example.org"} | typed)


def starts(page):
    """The times that a page offers, as they are written in its links."""
    return [parse_qs(urlsplit(unescape(href)).query)["start"][0] for href in re.findall(r'href="([^"]+/details\?[^"]+)"', page.text)]


# --- finding


async def test_clinics_are_found_by_name_and_by_specialty(client, lakeside):
    await clinic(client, name="Bergpraxis")
    assert re.findall(r"<h2><a[^>]+>([^<]+)", (await client.get("/")).text) == ["Bergpraxis", "Lakeside Clinic"]
    assert re.findall(r"<h2><a[^>]+>([^<]+)", (await client.get("/?q=LAKE")).text) == ["Lakeside Clinic"]
    assert re.findall(r"<h2><a[^>]+>([^<]+)", (await client.get("/?specialty=Dermatology")).text) == ["Lakeside Clinic"]
    assert "No clinic fits." in (await client.get("/?q=nowhere")).text


async def test_the_search_shows_the_next_free_times_on_the_day(client, lakeside):
    found = await client.get("/", params={"date": DAY.date().isoformat()})
    assert re.findall(r'<time datetime="([^"]+)"', found.text)[0] == f"{DAY:%Y-%m-%dT%H:%M:%SZ}"
    assert "Nothing is free on this day." in (await client.get("/", params={"date": (DAY + timedelta(days=1)).date().isoformat()})).text


async def test_closed_clinics_are_not_found_and_have_no_page(client, lakeside):
    assert (await client.delete("/api/clinics/1?cascade=true", headers=ADMIN)).status_code == 204
    assert "No clinic fits." in (await client.get("/")).text
    assert [(await client.get(path, headers={"Accept": "text/html"})).status_code for path in ("/c/lakeside", "/c/1", "/c/nowhere", "/embed/nowhere")] == [
        404
    ] * 4


async def test_many_clinics_are_shown_page_by_page(client, db):
    await db.execute("insert into clinic (name, time_zone) select 'Clinic ' || lpad(n::text, 2, '0'), 'Europe/Berlin' from generate_series(1, 30) n")
    seen, address = [], "/"
    while address:
        page = await client.get(address)
        seen += re.findall(r"<h2><a[^>]+>([^<]+)", page.text)
        further = re.search(r'href="([^"]+)" rel="next"', page.text)
        address = further and "/" + unescape(further.group(1))
    assert seen == [f"Clinic {number:02}" for number in range(1, 31)]


# --- a clinic


async def test_a_clinic_is_found_by_its_slug_and_by_its_number(client, lakeside):
    assert "Once a year" in (await client.get("/c/lakeside")).text
    assert "Once a year" in (await client.get("/c/1")).text


async def test_a_slug_that_has_gone_to_another_clinic_leads_there(client, lakeside):
    assert "Lakeside Clinic" in (await client.get("/c/lakeside")).text
    await client.patch("/api/clinics/1", json={"slug": "old-lakeside"}, headers=ADMIN)
    await clinic(client, name="Bergpraxis", slug="lakeside")
    assert "Bergpraxis" in (await client.get("/c/lakeside")).text


async def test_what_a_clinic_offers_may_be_found_by_search_engines_and_the_way_to_a_booking_may_not(client, lakeside):
    first = (await client.get("/c/lakeside")).text
    assert 'name="description"' in first
    assert "noindex" not in first
    assert "noindex" in (await client.get("/c/lakeside/times", params={"type": lakeside})).text


@asynccontextmanager
async def behind_a_wire(database_url):
    """A client of an application whose round trips to the database are counted."""
    with tempfile.TemporaryDirectory() as folder:
        async with counted(database_url, folder) as (_, wire):
            app = application.create(settings(pool_size=1), database_url=wire.url, admin_token=TOKEN)
            async with app.lifespan(), httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://appoint") as through:
                yield through, wire


async def test_the_first_booking_page_costs_one_round_trip_and_is_small(client, lakeside, database_url):
    await clinic(client, name="Bergpraxis", slug="berg")
    async with behind_a_wire(database_url) as (through, wire):
        await through.get("/c/berg")  # connects, and prepares the statement
        before = wire.round_trips
        page = await through.get("/c/lakeside")
        assert wire.round_trips - before == 1
        assert len(gzip.compress(page.content)) < FIRST_PAGE_BYTES
        assert re.findall(r"<(?:link rel=.stylesheet|img|script(?! type=.module))", page.text) == []


@pytest.mark.parametrize("path", ["/c/lakeside/times?type={type}", "/c/lakeside", "/?specialty=Dermatology", "/c/lakeside/details?type={type}&start={start}"])
async def test_a_page_costs_as_many_queries_for_thirty_doctors_as_for_three(client, db, lakeside, database_url, path):
    async def cost():
        async with behind_a_wire(database_url) as (through, wire):
            address = path.format(type=lakeside, start=f"{DAY:%Y-%m-%dT%H:%M:%SZ}")
            spent = []
            for _ in range(3):  # the last finds statements prepared and caches filled
                before = wire.round_trips
                assert (await through.get(address)).status_code == 200
                spent.append(wire.round_trips - before)
            return spent

    for _ in range(2):
        await publish(db, await doctor(client, specialty="Dermatology"), DAY, DAY + timedelta(hours=2))
    few = await cost()
    for _ in range(27):
        await publish(db, await doctor(client, specialty="Dermatology"), DAY, DAY + timedelta(hours=2))
    assert await cost() == few


async def test_the_scripts_and_styles_of_patients_are_light():
    loaded = [asset for name, asset in assets.built().items() if name in ("patient.js", "patient.css", "embed.js")]
    assert len(loaded) == 3
    assert sum(len(asset.packed) for asset in loaded) < PATIENTS_BYTES


# --- a time


async def test_a_month_tells_how_much_is_free_and_the_times_of_the_first_day(client, lakeside):
    page = await client.get("/c/lakeside/times", params={"type": lakeside})
    assert starts(page) == [f"{DAY + timedelta(minutes=15 * n):%Y-%m-%dT%H:%M:%SZ}" for n in range(7)]
    assert re.findall(r'aria-current="date">.*?(\d+) free</span>', page.text) == ["7"]


async def test_a_time_that_several_doctors_have_is_shown_once(client, db, lakeside):
    await publish(db, await doctor(client, name="Dr Okafor"), DAY, DAY + timedelta(hours=2))
    page = await client.get("/c/lakeside/times", params={"type": lakeside})
    assert len(starts(page)) == 7
    assert "Dr Okafor" in page.text


async def test_an_empty_month_says_when_the_next_time_is_free(client, db, lakeside):
    await db.execute("update booking_slot set removed_at = now()")
    far = DAY + timedelta(days=45)
    (shah,) = [row["id"] for row in await db.fetch("select id from doctor")]
    await publish(db, str(shah), far, far + timedelta(hours=1))
    page = await client.get("/c/lakeside/times", params={"type": lakeside, "month": f"{DAY:%Y-%m}"})
    assert "Next free:" in page.text
    assert f"date={far:%Y-%m-%d}#day" in unescape(page.text)
    assert starts(await client.get("/c/lakeside/times", params={"type": lakeside}))[0] == f"{far:%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize("query", ["", "?type=nonsense", "?type=00000001-0197-82e3-8f22-029f62866244", "?type=%ff&month=2027-99&doctor=x&date=never"])
async def test_addresses_that_say_nothing_lead_back_to_the_clinic(client, lakeside, query):
    for place in ("times", "details"):
        gone = await client.get(f"/c/lakeside/{place}{query}")
        assert (gone.status_code, gone.headers["Location"]) == (303, "/c/lakeside")


@pytest.mark.parametrize("month", ["0001-01", "9999-12", "2027-13", "x"])
async def test_months_beyond_the_horizon_are_the_nearest_that_can_be_booked(client, lakeside, month):
    page = await client.get("/c/lakeside/times", params={"type": lakeside, "month": month})
    assert page.status_code == 200
    assert '<ol class="month">' in page.text


# --- who you are, and the booking


async def test_a_form_books_and_leads_to_the_page_of_the_appointment(client, db, lakeside):
    booked = await send(client, await open_form(client, lakeside), note="By wheelchair")
    assert booked.status_code == 303
    assert re.fullmatch(r"/appointments/apm_[^?]+\?new=1", booked.headers["Location"])
    assert (await client.get(booked.headers["Location"])).status_code == 200
    row = await db.fetchrow("select a.notes, c.name, c.email, c.locale from appointment a join customer c on c.id = a.customer_id")
    assert tuple(row) == ("By wheelchair", "Ana Souza", "ana@example.org", "en")


async def test_a_form_that_is_sent_twice_at_once_books_once(client, db, lakeside):
    form = await open_form(client, lakeside)
    first, second = await asyncio.gather(send(client, form), send(client, form))
    assert first.status_code == second.status_code == 303
    assert first.headers["Location"] == second.headers["Location"]
    assert await db.fetchval("select (select count(*) from appointment) + (select count(*) from customer)") == 2


async def test_what_is_wrong_stands_at_its_field_and_what_was_typed_is_kept(client, db, lakeside):
    refused = await send(client, await open_form(client, lakeside), name=" ", email="ana@", phone="12", note="By wheelchair")
    assert refused.status_code == 400
    assert sorted(re.findall(r'<span class="fault" id="(\w+)-fault">.+</span>', refused.text)) == ["email", "name", "phone"]
    assert 'value="ana@"' in refused.text
    assert "By wheelchair</textarea>" in refused.text
    assert await db.fetchval("select count(*) from customer") == 0


async def test_one_way_to_be_reached_is_needed_and_enough(client, db, lakeside):
    form = await open_form(client, lakeside)
    neither = await send(client, form, email="")
    assert (neither.status_code, "is needed, or a phone number" in neither.text) == (400, True)
    assert (await send(client, form, email="", phone="030 12345678")).status_code == 303
    assert await db.fetchval("select phone from customer") == "+493012345678"


async def test_a_time_that_is_gone_is_told_with_others_and_one_of_them_is_booked_with_what_was_typed(client, db, lakeside):
    mine, theirs = await open_form(client, lakeside), await open_form(client, lakeside)
    await send(client, theirs, name="Ben", email="ben@example.org")
    refused = await send(client, mine, note="By wheelchair")
    assert refused.status_code == 409
    assert 'value="Ana Souza"' in refused.text
    others = re.findall(r'name="instead" value="([^"]+)"', refused.text)
    assert len(others) == 5
    booked = await send(client, form_of(refused), note="By wheelchair", instead=others[1])
    assert booked.status_code == 303
    rows = await db.fetch("select c.name, lower(a.during) as start, a.notes from appointment a join customer c on c.id = a.customer_id order by c.name")
    assert [(row["name"], f"{row['start']:%Y-%m-%dT%H:%M:%SZ}", row["notes"]) for row in rows] == [
        ("Ana Souza", others[1], "By wheelchair"),
        ("Ben", f"{DAY:%Y-%m-%dT%H:%M:%SZ}", None),
    ]
    assert await db.fetchval("select count(*) from customer") == 2


async def test_another_time_is_kept_when_something_is_wrong_with_what_was_typed(client, lakeside):
    other = f"{DAY + timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}"
    refused = await send(client, await open_form(client, lakeside), email="ana@", instead=other)
    assert refused.status_code == 400
    assert parse_qs(urlsplit(form_of(refused)[0]).query)["start"] == [other]


async def test_the_script_is_told_when_the_time_is_gone(client, lakeside):
    form = await open_form(client, lakeside)
    look = {"type": lakeside, "start": DAY.isoformat()}
    assert (await client.get("/c/lakeside/details/free", params=look)).status_code == 204
    await send(client, form)
    gone = await client.get("/c/lakeside/details/free", params=look)
    assert (gone.status_code, gone.text.count('name="instead"')) == (200, 5)


async def test_a_time_that_was_never_there_is_not_booked(client, db, lakeside):
    night = DAY.replace(hour=1)
    refused = await send(client, await open_form(client, lakeside, night))
    assert refused.status_code == 409
    assert await db.fetchval("select count(*) from appointment") == 0


async def test_nobody_learns_who_is_known_already(client, lakeside):
    await customer(client, name="Ana Souza", email="ana@example.org")
    known = await send(client, await open_form(client, lakeside))
    unknown = await send(client, await open_form(client, lakeside, DAY + timedelta(minutes=30)), name="Nobody", email="nobody@example.org")
    assert (known.status_code, len(known.headers["Location"])) == (unknown.status_code, len(unknown.headers["Location"]))


async def test_who_has_signed_in_types_nothing_and_books_for_themselves(client, db, lakeside):
    ana = await customer(client, name="Ana Souza", email="ana@example.org")
    await sign_in_with_code(client, await ask_for_code(client), cookie=True)
    client.headers["Cookie"] = f"{COOKIE}={client.cookies.get(COOKIE)}"
    page = await client.get("/c/lakeside/details", params={"type": lakeside, "start": DAY.isoformat()})
    assert "You book as Ana Souza." in page.text
    assert 'name="email"' not in page.text
    address, hidden = form_of(page)
    assert (await client.post(address, data=hidden | {"csrf": ""})).status_code == 403
    assert (await client.post(address, data=hidden)).status_code == 303
    assert str(await db.fetchval("select customer_id from appointment")) == ana


async def test_registrations_by_the_form_are_limited_as_those_by_the_api(db, client, lakeside, database_url):
    app = application.create(settings(rate_limits=True, registrations_rate="1/hour"), database_url=database_url, admin_token=TOKEN)
    async with app.lifespan(), httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://testserver.local") as limited:
        assert (await send(limited, await open_form(limited, lakeside))).status_code == 303
        refused = await send(limited, await open_form(limited, lakeside, DAY + timedelta(minutes=30)), name="Ben")
        assert refused.status_code == 429
        assert 'value="Ben"' in refused.text


async def test_forms_of_other_sites_book_nothing(client, lakeside):
    address, hidden = await open_form(client, lakeside)
    refused = await client.post(address, data=hidden | {"name": "Ana", "email": "ana@example.org"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert refused.status_code == 403


# --- on a clinic's own site


async def test_any_site_may_frame_the_way_to_a_booking_and_nothing_else(client, lakeside):
    def framed_by(page):
        return re.search(r"frame-ancestors ([^;]+)", page.headers["Content-Security-Policy"]).group(1)

    way = ["", f"/times?type={lakeside}", f"/details?type={lakeside}&start={DAY:%Y-%m-%dT%H:%M:%SZ}"]
    assert {framed_by(await client.get(f"/embed/lakeside{place}")) for place in way} == {"*"}
    assert {framed_by(await client.get(f"/c/lakeside{place}")) for place in way} == {"'none'"}
    booked = await send(client, await open_form(client, lakeside, base="/embed/lakeside", lang="de"))
    assert (booked.status_code, framed_by(booked)) == (200, "*")
    link = re.search(r'href="(/appointments/apm_[^"]+)" target="_blank"', booked.text).group(1)
    assert framed_by(await client.get(link)) == "'none'"


async def test_a_framed_form_that_is_sent_again_shows_the_same_booking(client, db, lakeside):
    form = await open_form(client, lakeside, base="/embed/lakeside")
    first, again = await send(client, form), await send(client, form)
    assert (first.status_code, first.text) == (200, again.text)
    assert await db.fetchval("select count(*) from appointment") == 1


async def test_a_framed_page_carries_its_language_and_has_no_header(client, lakeside):
    page = await client.get("/embed/lakeside?lang=de", headers={"Accept-Language": "fr"})
    assert "Was möchten Sie buchen?" in page.text
    assert "<header" not in page.text
    assert "Set-Cookie" not in page.headers
    assert all("lang=de" in href for href in re.findall(r'href="(/embed/[^"]+)"', page.text))


async def test_the_script_for_other_sites_has_one_name_and_is_cached_for_a_while(client):
    script = await client.get("/embed.js")
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert script.headers["Cache-Control"] == "public, max-age=3600"
