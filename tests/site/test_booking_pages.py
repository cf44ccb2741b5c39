"""Patients find a clinic and book by pages: what they show, what they cost, and that a form books once. In a browser:
pages/test_booking_pages.py."""

import asyncio
import gzip
import re
import tempfile
from contextlib import asynccontextmanager
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import httpx2
import pytest

from appoint.http.cookies import BOOKED
from appoint.identity.sign_in_codes.model import PURPOSE
from appoint.kit import signed_tokens
from appoint.server import app as application
from appoint.site import assets
from support.app import ADMIN, TOKEN, settings
from support.round_trips import counted
from support.rows import NOW, appointment_type, clinic, customer, doctor, publish
from support.staff import SECRET

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
    return [
        parse_qs(urlsplit(unescape(href)).query)["start"][0]
        for href in re.findall(r'href="([^"]+/details\?[^"]+)"', page.text)
    ]


# --- finding


async def test_clinics_are_found_by_name_and_by_specialty(client, lakeside):
    await doctor(client, await clinic(client, name="Bergpraxis"))
    await clinic(client, name="Where nobody works yet")
    assert re.findall(r"<h2><a[^>]+>([^<]+)", (await client.get("/")).text) == ["Bergpraxis", "Lakeside Clinic"]
    assert re.findall(r"<h2><a[^>]+>([^<]+)", (await client.get("/?q=LAKE")).text) == ["Lakeside Clinic"]
    assert re.findall(r"<h2><a[^>]+>([^<]+)", (await client.get("/?specialty=Dermatology")).text) == ["Lakeside Clinic"]
    assert "No clinics match your search." in (await client.get("/?q=nowhere")).text


async def test_the_search_shows_the_next_free_times_on_the_day(client, lakeside):
    found = await client.get("/", params={"date": DAY.date().isoformat()})
    assert re.findall(r'<time datetime="([^"]+)"', found.text)[0] == f"{DAY:%Y-%m-%dT%H:%M:%SZ}"
    assert (
        "No times available on this day."
        in (await client.get("/", params={"date": (DAY + timedelta(days=1)).date().isoformat()})).text
    )


async def test_closed_clinics_are_not_found_and_have_no_page(client, lakeside):
    assert (await client.delete("/api/clinics/1?cascade=true", headers=ADMIN)).status_code == 204
    assert "No clinics match your search." in (await client.get("/")).text
    assert [
        (await client.get(path, headers={"Accept": "text/html"})).status_code
        for path in ("/c/lakeside", "/c/1", "/c/nowhere", "/embed/nowhere")
    ] == [404] * 4


async def test_many_clinics_are_shown_page_by_page(client, db):
    await db.execute(
        "insert into clinic (name, time_zone) select 'Clinic ' || lpad(n::text, 2, '0'), 'Europe/Berlin' from generate_series(1, 30) n"
    )
    for row in await db.fetch("select id from clinic"):
        await doctor(client, row.id)
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


@pytest.mark.parametrize("name", ["%00", "lake%00side", "%C3%A4", "Lakeside", "l" * 101, "0", "9" * 50, "a%2Fb", "%20"])
async def test_what_can_be_no_name_of_a_clinic_is_not_there(client, lakeside, name):
    for place in ("c", "embed"):
        assert (await client.get(f"/{place}/{name}")).status_code == 404


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


async def test_a_doctor_leads_to_their_times_or_to_what_they_are_for(client, lakeside):
    roy = await doctor(client, name="Dr Roy", appointmentTypeIds=[lakeside])
    both = await doctor(client, name="Dr Both")
    other = await appointment_type(client, name="Other")
    page = (await client.get("/c/lakeside")).text
    ways = {name: unescape(way) for way, name in re.findall(r'<a href="([^"]+)"><strong>(Dr [^<]+)', page)}
    assert (ways["Dr Roy"], ways["Dr Both"]) == (
        f"/c/lakeside/times?type={lakeside}&doctor={roy}",
        f"/c/lakeside?doctor={both}",
    )
    page = unescape((await client.get(ways["Dr Both"])).text)
    assert [f"/c/lakeside/times?type={type}&doctor={both}" in page for type in (lakeside, other)] == [True, True]
    page = unescape((await client.get(f"/c/lakeside?doctor={roy}")).text)
    assert [f"/c/lakeside/times?type={type}" in page for type in (lakeside, other)] == [True, False]


@pytest.mark.parametrize(("phone", "says"), [("+493012345678", True), (None, False)])
async def test_a_clinic_that_is_not_set_up_yet_is_called_if_it_has_a_telephone(client, phone, says):
    await clinic(client, slug="new", phone=phone)
    page = (await client.get("/c/new")).text
    assert (
        "Online booking is not available at this clinic yet." in page,
        "Please call to make an appointment." in page,
    ) == (True, says)


async def test_on_the_day_when_clocks_change_both_times_are_named(client, db):
    await clinic(client, slug="lakeside", policy={"horizonDays": 366})
    shah, type = await doctor(client), await appointment_type(client)
    offset = lambda at: at.astimezone(ZoneInfo("Europe/Berlin")).utcoffset()  # noqa: E731
    hours = (DAY.replace(hour=0) + timedelta(hours=number) for number in range(72, 24 * 360))
    change = next(hour for hour in hours if offset(hour) != offset(hour - timedelta(hours=1)))
    await publish(db, shah, change - timedelta(hours=1), change + timedelta(hours=2))
    page = (await client.get("/c/lakeside/times", params={"type": type, "date": change.date().isoformat()})).text
    assert re.search(
        r"Times are in the clinic’s time zone: Central European \w+ Time, then Central European \w+ Time after the clocks change",
        page,
    )


@asynccontextmanager
async def behind_a_wire(database_url):
    """A client of an application whose round trips to the database are counted."""
    with tempfile.TemporaryDirectory() as folder:
        async with counted(database_url, folder) as (_, wire):
            app = application.create(settings(pool_size=1), database_url=wire.url, admin_token=TOKEN)
            async with (
                app.lifespan(),
                httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://appoint") as through,
            ):
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


@pytest.mark.parametrize(
    "path",
    [
        "/c/lakeside/times?type={type}",
        "/c/lakeside",
        "/?specialty=Dermatology",
        "/c/lakeside/details?type={type}&start={start}",
    ],
)
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
    assert sum(len(asset.gzipped) for asset in loaded) < PATIENTS_BYTES


# --- a time


async def test_a_month_tells_how_much_is_free_and_the_times_of_the_first_day(client, lakeside):
    page = await client.get("/c/lakeside/times", params={"type": lakeside})
    assert starts(page) == [f"{DAY + timedelta(minutes=15 * n):%Y-%m-%dT%H:%M:%SZ}" for n in range(7)]
    assert re.findall(r'aria-current="date">.*?(\d+) times available</span>', page.text) == ["7"]


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
    assert "Next available:" in page.text
    assert f"date={far:%Y-%m-%d}#day" in unescape(page.text)
    assert starts(await client.get("/c/lakeside/times", params={"type": lakeside}))[0] == f"{far:%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize(
    "query",
    ["", "?type=nonsense", "?type=00000001-0197-82e3-8f22-029f62866244", "?type=%ff&month=2027-99&doctor=x&date=never"],
)
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
    row = await db.fetchrow(
        "select a.notes, c.name, c.email, c.locale from appointment a join customer c on c.id = a.customer_id"
    )
    assert tuple(row) == ("By wheelchair", "Ana Souza", "ana@example.org", "en")


async def test_a_form_that_is_sent_twice_at_once_books_once(client, db, lakeside):
    form = await open_form(client, lakeside)
    first, second = await asyncio.gather(send(client, form), send(client, form))
    assert first.status_code == second.status_code == 303
    assert first.headers["Location"] == second.headers["Location"]
    assert await db.fetchval("select (select count(*) from appointment) + (select count(*) from customer)") == 2


async def test_what_is_wrong_stands_at_its_field_and_what_was_typed_is_kept(client, db, lakeside):
    refused = await send(
        client, await open_form(client, lakeside), name=" ", email="ana@", phone="12", note="By wheelchair"
    )
    assert refused.status_code == 400
    assert sorted(re.findall(r'<span class="fault" id="(\w+)-fault">.+</span>', refused.text)) == [
        "email",
        "name",
        "phone",
    ]
    assert 'value="ana@"' in refused.text
    assert "By wheelchair</textarea>" in refused.text
    assert await db.fetchval("select count(*) from customer") == 0


async def test_one_way_to_be_reached_is_needed_and_enough(client, db, lakeside):
    form = await open_form(client, lakeside)
    neither = await send(client, form, email="")
    assert (neither.status_code, "is required, or enter a phone number" in neither.text) == (400, True)
    assert (await send(client, form, email="", phone="030 12345678")).status_code == 303
    assert await db.fetchval("select phone from customer") == "+493012345678"


async def test_a_time_that_is_gone_is_told_with_others_and_one_of_them_is_booked_with_what_was_typed(
    client, db, lakeside
):
    mine, theirs = await open_form(client, lakeside), await open_form(client, lakeside)
    await send(client, theirs, name="Ben", email="ben@example.org")
    refused = await send(client, mine, note="By wheelchair")
    assert refused.status_code == 409
    assert 'value="Ana Souza"' in refused.text
    others = re.findall(r'name="instead" value="([^"]+)"', refused.text)
    assert len(others) == 5
    booked = await send(client, form_of(refused), note="By wheelchair", instead=others[1])
    assert booked.status_code == 303
    rows = await db.fetch(
        "select c.name, lower(a.during) as start, a.notes from appointment a join customer c on c.id = a.customer_id order by c.name"
    )
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
    unknown = await send(
        client,
        await open_form(client, lakeside, DAY + timedelta(minutes=30)),
        name="Nobody",
        email="nobody@example.org",
    )
    assert (known.status_code, len(known.headers["Location"])) == (
        unknown.status_code,
        len(unknown.headers["Location"]),
    )


async def in_a_browser(client) -> None:
    """Sign in by the pages, as whoever has Ana's address."""
    there = (await client.post("/sign-in", data={"address": "ana@example.org"})).headers["Location"]
    code_id = there.split("?")[0].rpartition("/")[2]
    answer = await client.post(there, data={"code": signed_tokens.six_digit_code(SECRET, PURPOSE, code_id)})
    client.headers["Cookie"] = "; ".join(header.split(";")[0] for header in answer.headers.get_list("Set-Cookie"))


async def signed_in_form(client, lakeside) -> tuple[str, dict[str, str]]:
    return form_of(await client.get("/c/lakeside/details", params={"type": lakeside, "start": DAY.isoformat()}))


async def test_who_has_signed_in_types_nothing_and_books_for_themselves(client, db, lakeside):
    ana = await customer(client, name="Ana Souza", email="ana@example.org")
    await in_a_browser(client)
    address, hidden = await signed_in_form(client, lakeside)
    assert (await client.post(address, data=hidden | {"csrf": ""})).status_code == 403
    assert (await client.post(address, data=hidden)).status_code == 303
    assert str(await db.fetchval("select customer_id from appointment")) == ana


@pytest.mark.parametrize("again", [False, True])
async def test_who_has_signed_in_books_for_who_shares_their_address(client, db, lakeside, again):
    ana, ben = (
        await customer(client, name="Ana Souza", email="ana@example.org"),
        await customer(client, name="Ben Souza", email="ana@example.org"),
    )
    await customer(client, name="ana souza", email="ana@example.org")
    await in_a_browser(client)
    page = await client.get("/c/lakeside/details", params={"type": lakeside, "start": DAY.isoformat()})
    assert re.findall(r'name="person" value="([^"]+)"', page.text) == [ana, ben, "other"]
    address, hidden = form_of(page)
    for _ in range(1 + again):
        assert (await client.post(address, data=hidden | {"person": ben})).status_code == 303
    assert [(str(row[0]), str(row[1])) for row in await db.fetch("select customer_id, booker_id from appointment")] == [
        (ben, ana)
    ]


async def test_who_has_signed_in_books_for_somebody_else(client, db, lakeside):
    ana = await customer(client, name="Ana Souza", email="ana@example.org")
    await in_a_browser(client)
    address, hidden = await signed_in_form(client, lakeside)
    refused = await client.post(address, data=hidden | {"person": "other", "name": "", "email": "ana@example.org"})
    assert (refused.status_code, 'id="other" checked' in refused.text, "aria-invalid" in refused.text) == (
        400,
        True,
        True,
    )
    assert (
        await client.post(address, data=hidden | {"person": "other", "name": "Uma", "email": "ana@example.org"})
    ).status_code == 303
    row = await db.fetchrow("select name, booker_id from appointment a join customer c on c.id = a.customer_id")
    assert (row["name"], str(row["booker_id"])) == ("Uma", ana)


async def test_a_stranger_is_nobody_to_book_for(client, db, lakeside):
    await customer(client, name="Ana Souza", email="ana@example.org")
    cleo = await customer(client, name="Cleo", email="cleo@example.org")
    await in_a_browser(client)
    address, hidden = await signed_in_form(client, lakeside)
    assert (await client.post(address, data=hidden | {"person": cleo})).status_code == 400
    assert await db.fetchval("select count(*) from appointment") == 0


async def test_who_goes_back_after_booking_is_shown_what_they_have_booked(client, lakeside):
    address, hidden = await open_form(client, lakeside)
    booked = await client.post(address, data=hidden | {"name": "Ana", "email": "ana@example.org"})
    browser = {"Cookie": booked.headers["Set-Cookie"].split(";")[0]}
    client.cookies.clear()
    where = booked.headers["Location"]
    assert [
        "sent a confirmation to ana@example.org" in (await client.get(where, headers=headers)).text
        for headers in (browser, {})
    ] == [True, False]
    back = await client.get(address, headers=browser)
    assert (back.status_code, back.headers["Location"]) == (303, booked.headers["Location"].split("?")[0])
    assert "Choose" in (await client.get(address)).text
    for left in ("x", "apm_x", browser["Cookie"].split("=", 1)[1] + "x"):
        assert (await client.get(address, headers={"Cookie": f"{BOOKED}={left}"})).status_code == 200
    await client.post(booked.headers["Location"].split("?")[0] + "/cancel")
    assert (await client.get(address, headers=browser)).status_code == 200


async def test_registrations_by_the_form_are_limited_as_those_by_the_api(db, client, lakeside, database_url):
    app = application.create(
        settings(rate_limits=True, registrations_rate="1/hour"), database_url=database_url, admin_token=TOKEN
    )
    async with (
        app.lifespan(),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://testserver.local") as limited,
    ):
        assert (await send(limited, await open_form(limited, lakeside))).status_code == 303
        refused = await send(limited, await open_form(limited, lakeside, DAY + timedelta(minutes=30)), name="Ben")
        assert refused.status_code == 429
        assert 'value="Ben"' in refused.text


async def test_forms_of_other_sites_book_nothing(client, lakeside):
    address, hidden = await open_form(client, lakeside)
    refused = await client.post(
        address, data=hidden | {"name": "Ana", "email": "ana@example.org"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert refused.status_code == 403


# --- at a clinic without appointment types, by whole slots

NINE, HALF_PAST, TEN = (DAY + timedelta(hours=hours) for hours in (1, 1.5, 2))


@pytest.fixture
async def village(db, client):
    """A clinic without types: Dr Shah has short slots from nine and a long one from ten, Dr Roy one at nine. Returns
    their ids."""
    await clinic(client, name="Village Clinic", slug="village", address="Am See 1\n10115 Berlin")
    shah, roy = await doctor(client, specialty="Dermatology"), await doctor(client, name="Dr Roy")
    for whose, start, end in (
        (shah, NINE, HALF_PAST),
        (shah, HALF_PAST, TEN),
        (shah, TEN, TEN + timedelta(hours=3)),
        (roy, NINE, HALF_PAST),
    ):
        await publish(db, whose, start, end)
    return {"shah": shah, "roy": roy}


def said(instant):
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def slot_of(whose, start, end, **query):
    return {"start": said(start), "end": said(end), "whose": whose, **query}


async def open_slot(client, whose, start=NINE, end=HALF_PAST, base="/c/village", **query):
    page = await client.get(f"{base}/details", params=slot_of(whose, start, end, **query))
    assert page.status_code == 200
    return form_of(page)


def others(page):
    return [tuple(value.split()) for value in re.findall(r'name="instead" value="([^"]+)"', page.text)]


def slots(page):
    """The slots that a page offers, as they are said in its links."""
    queries = [
        parse_qs(urlsplit(unescape(href)).query) for href in re.findall(r'href="([^"]+/details\?[^"]+)"', page.text)
    ]
    return [(query["start"][0], query["end"][0], query["whose"][0]) for query in queries]


async def booked_times(db):
    rows = await db.fetch(
        "select doctor_id::text, during, appointment_type_id from appointment where active_during is not null order by created_at"
    )
    return [(row["doctor_id"], row["during"].lower, row["during"].upper, row["appointment_type_id"]) for row in rows]


@pytest.mark.parametrize("base", ["/c", "/embed"])
async def test_a_clinic_without_types_offers_an_appointment(client, village, base):
    page = await client.get(f"{base}/village")
    assert re.findall(rf'href="({base}/village/times[^"]*)"><strong>([^<]+)', page.text)[0][1] == "An appointment"


@pytest.mark.parametrize("which", ["has a type", "has nobody"])
async def test_only_a_clinic_without_types_and_with_doctors_does(client, which, db):
    await clinic(client, slug="village")
    if which == "has a type":
        await doctor(client)
        await appointment_type(client)
    page = await client.get("/c/village")
    assert ("An appointment" in page.text, "Online booking is not available at this clinic yet." in page.text) == (
        False,
        which == "has nobody",
    )
    assert (await client.get("/c/village/times")).headers["Location"] == "/c/village"


async def test_whole_slots_of_all_doctors_are_offered_each_time_once_and_those_of_one(client, village):
    shah, roy = village["shah"], village["roy"]
    anyone = await client.get("/c/village/times")
    long = (said(TEN), said(TEN + timedelta(hours=3)), shah)
    assert slots(anyone) == [
        (said(NINE), said(HALF_PAST), shah),
        (said(HALF_PAST), said(TEN), shah),
        long,
    ]  # Dr Shah has most free
    assert re.findall(r'aria-current="date">.*?(\d+) times available</span>', anyone.text) == ["3"]
    assert slots(await client.get("/c/village/times", params={"doctor": roy})) == [(said(NINE), said(HALF_PAST), roy)]


async def test_a_whole_slot_is_booked_with_its_doctor(client, db, village):
    form = await open_slot(client, village["shah"], TEN, TEN + timedelta(hours=3))
    booked = await send(client, form, note="By wheelchair")
    assert (booked.status_code, re.match(r"/appointments/apm_", booked.headers["Location"]) is not None) == (303, True)
    assert await booked_times(db) == [(village["shah"], TEN, TEN + timedelta(hours=3), None)]
    own = await client.get(booked.headers["Location"])
    calendar = await client.get(booked.headers["Location"].replace("?new=1", "/calendar.ics"))
    assert (own.status_code, "Dr Shah" in own.text, "SUMMARY:Village Clinic\\, Dr Shah" in calendar.text) == (
        200,
        True,
        True,
    )


async def test_a_framed_clinic_without_types_is_booked_too(client, db, village):
    booked = await send(client, await open_slot(client, village["roy"], base="/embed/village", lang="de"))
    assert (booked.status_code, "Ihr Termin ist gebucht." in booked.text, "Dr Roy" in booked.text) == (200, True, True)
    assert await booked_times(db) == [(village["roy"], NINE, HALF_PAST, None)]


async def test_a_form_for_a_slot_that_is_sent_twice_at_once_books_once(client, db, village):
    form = await open_slot(client, village["shah"])
    first, second = await asyncio.gather(send(client, form), send(client, form))
    assert first.headers["Location"] == second.headers["Location"]
    assert len(await booked_times(db)) == 1


async def test_for_a_slot_that_is_gone_the_nearest_others_are_offered_and_what_was_typed_is_kept(client, db, village):
    shah, roy = village["shah"], village["roy"]
    mine, theirs = await open_slot(client, shah), await open_slot(client, shah)
    await send(client, theirs, name="Ben", email="ben@example.org")
    refused = await send(client, mine, note="By wheelchair")
    assert (refused.status_code, 'value="Ana Souza"' in refused.text, "By wheelchair</textarea>" in refused.text) == (
        409,
        True,
        True,
    )
    long = (said(TEN), said(TEN + timedelta(hours=3)), shah)
    assert others(refused) == [(said(NINE), said(HALF_PAST), roy), (said(HALF_PAST), said(TEN), shah), long]
    booked = await send(client, form_of(refused), instead=" ".join(others(refused)[0]))
    assert booked.status_code == 303
    assert [when[:2] for when in await booked_times(db)] == [(shah, NINE), (roy, NINE)]


async def test_who_wants_one_doctor_is_offered_that_ones_slots(client, village):
    shah = village["shah"]
    await send(client, await open_slot(client, shah))
    gone = await client.get("/c/village/details/free", params=slot_of(shah, NINE, HALF_PAST, doctor=shah))
    assert (gone.status_code, {whose for _, _, whose in others(gone)}) == (200, {shah})


async def test_the_script_is_told_when_a_slot_is_gone(client, village):
    asked = {"params": slot_of(village["shah"], NINE, HALF_PAST)}
    assert (await client.get("/c/village/details/free", **asked)).status_code == 204
    await send(client, await open_slot(client, village["shah"]))
    assert (await client.get("/c/village/details/free", **asked)).status_code == 200


async def test_a_slot_that_was_cut_meanwhile_is_not_booked_as_it_was(client, db, village):
    form = await open_slot(client, village["shah"], TEN, TEN + timedelta(hours=3))
    await db.execute(
        "update booking_slot set during = tstzrange($1, $2) where lower(during) = $1", TEN, TEN + timedelta(hours=1)
    )
    refused = await send(client, form)
    assert (refused.status_code, (said(TEN), said(TEN + timedelta(hours=1)), village["shah"]) in others(refused)) == (
        409,
        True,
    )
    assert await booked_times(db) == []


async def test_a_part_of_a_slot_is_shown_as_not_free(client, village):
    page = await client.get("/c/village/details", params=slot_of(village["shah"], NINE, NINE + timedelta(minutes=5)))
    assert (page.status_code, "no longer available" in page.text) == (200, True)


async def test_who_is_busy_then_is_offered_slots_at_other_times(client, db, village):
    await customer(client, name="Ana Souza", email="ana@example.org")
    await in_a_browser(client)
    for whose, status in ((village["shah"], 303), (village["roy"], 409)):
        address, hidden = await open_slot(client, whose)
        answer = await client.post(address, data=hidden)
        assert answer.status_code == status
    assert [start for start, _, _ in others(answer)] == [said(HALF_PAST), said(TEN)]


@pytest.mark.parametrize(
    "changed",
    [
        {"end": ""},
        {"end": "x"},
        {"end": said(NINE)},
        {"end": said(NINE + timedelta(days=2))},
        {"whose": ""},
        {"whose": "x"},
    ],
)
async def test_addresses_that_say_no_slot_lead_back_to_the_clinic(client, village, changed):
    gone = await client.get("/c/village/details", params=slot_of(village["shah"], NINE, HALF_PAST) | changed)
    assert (gone.status_code, gone.headers["Location"]) == (303, "/c/village")


async def test_the_search_shows_whole_slots_of_a_clinic_without_types(client, village):
    for query in ({"date": DAY.date().isoformat()}, {"specialty": "Dermatology"}):
        found = await client.get("/", params=query)
        assert re.findall(r'<time datetime="([^"]+)"', found.text) == [said(NINE), said(HALF_PAST), said(TEN)]


async def test_the_search_shows_no_slots_of_doctors_who_offer_none_of_a_clinics_types(client, db, village):
    type = await appointment_type(client)
    for whose, offered in ((village["shah"], []), (village["roy"], [type])):
        other = await appointment_type(client, name="Not any more")
        changed = await client.patch(
            f"/api/doctors/{whose}", json={"appointmentTypeIds": offered or [other]}, headers=ADMIN
        )
        assert changed.status_code == 200
        assert (await client.delete(f"/api/appointmentTypes/{other}", headers=ADMIN)).status_code == 204
    found = await client.get("/", params={"date": DAY.date().isoformat()})
    assert re.findall(r'<time datetime="([^"]+)"', found.text) == [said(NINE)]


async def test_a_type_that_nobody_offers_leads_back_to_the_clinic(client, db, lakeside):
    other = await appointment_type(client, name="Other")
    (shah,) = [str(row["id"]) for row in await db.fetch("select id from doctor")]
    assert (
        await client.patch(f"/api/doctors/{shah}", json={"appointmentTypeIds": [lakeside]}, headers=ADMIN)
    ).status_code == 200
    assert (await client.get("/c/lakeside/times", params={"type": other})).headers["Location"] == "/c/lakeside"


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
