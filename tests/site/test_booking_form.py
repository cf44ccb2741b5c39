"""The booking form: what it checks, what it books, and that it books only once."""

import asyncio
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from appoint.http.cookies import BOOKED_COOKIE
from appoint.kit.key_ring import EncryptedField
from appoint.server import app as application
from support.app import TOKEN, settings
from support.booking_pages import DAY, alternatives, form_of, open_form, send, utc
from support.encryption import revealed
from support.world import create_customer


async def test_the_form_books_and_redirects_to_the_appointment(client, db, lakeside):
    response = await send(client, await open_form(client, lakeside), note="By wheelchair")
    assert response.status_code == 303
    assert re.fullmatch(r"/appointments/apm_[^?]+\?new=1", response.headers["Location"])
    assert (await client.get(response.headers["Location"])).status_code == 200
    row = await db.fetchrow(
        "select a.id, a.notes, c.name, c.email, c.locale from appointment a join customer c on c.id = a.customer_id"
    )
    assert revealed(row, notes=EncryptedField.APPOINTMENT_NOTES) == (
        "By wheelchair",
        "Ana Souza",
        "ana@example.org",
        "en",
    )


async def test_a_form_sent_twice_at_once_books_once(client, db, lakeside):
    form = await open_form(client, lakeside)
    first, second = await asyncio.gather(send(client, form), send(client, form))
    assert first.status_code == second.status_code == 303
    assert first.headers["Location"] == second.headers["Location"]
    assert await db.fetchval("select (select count(*) from appointment) + (select count(*) from customer)") == 2


async def test_invalid_fields_are_marked_and_keep_what_was_typed(client, db, lakeside):
    form = await open_form(client, lakeside)
    response = await send(client, form, name=" ", email="ana@", phone="12", note="By wheelchair")
    assert response.status_code == 400
    faults = re.findall(r'<span class="fault" id="(\w+)-fault">.+</span>', response.text)
    assert sorted(faults) == ["email", "name", "phone"]
    assert 'value="ana@"' in response.text
    assert "By wheelchair</textarea>" in response.text
    assert await db.fetchval("select count(*) from customer") == 0


async def test_an_email_address_or_a_phone_number_is_required_and_sufficient(client, db, lakeside):
    form = await open_form(client, lakeside)
    without_either = await send(client, form, email="")
    assert without_either.status_code == 400
    assert "is required unless you enter a phone number" in without_either.text
    assert (await send(client, form, email="", phone="030 12345678")).status_code == 303
    assert await db.fetchval("select phone from customer") == "+493012345678"


async def test_the_form_removes_text_pasted_around_an_address(client, db, lakeside):
    form = await open_form(client, lakeside)
    await send(client, form, email="mailto:ana@example.org,\u200b", phone="tel:\uff0b49\u00a030\u201112345678;")
    row = await db.fetchrow("select email, phone from customer")
    assert tuple(row) == ("ana@example.org", "+493012345678")


@pytest.mark.parametrize(
    "email", ["ana..souza@example.org", "ana@exam_ple.org", "ana@-example.org", '"ana"@example.org']
)
async def test_an_address_that_cannot_exist_is_refused_in_the_form(client, db, lakeside, email):
    response = await send(client, await open_form(client, lakeside), email=email)
    assert response.status_code == 400
    assert re.findall(r'<span class="fault" id="(\w+)-fault">.+</span>', response.text) == ["email"]
    assert await db.fetchval("select count(*) from customer") == 0


async def test_refusing_a_taken_time_offers_others_that_can_be_booked_immediately(client, db, lakeside):
    form, other_form = await open_form(client, lakeside), await open_form(client, lakeside)
    await send(client, other_form, name="Ben", email="ben@example.org")
    refusal = await send(client, form, note="By wheelchair")
    assert refusal.status_code == 409
    assert 'value="Ana Souza"' in refusal.text
    times = alternatives(refusal)
    assert len(times) == 5
    response = await send(client, form_of(refusal), note="By wheelchair", instead=times[1])
    assert response.status_code == 303
    rows = await db.fetch(
        """
        select a.id, c.name, lower(a.during) as start, a.notes
          from appointment a join customer c on c.id = a.customer_id order by c.name
        """
    )
    booked = [revealed(row, notes=EncryptedField.APPOINTMENT_NOTES) for row in rows]
    assert [(name, utc(start), notes) for name, start, notes in booked] == [
        ("Ana Souza", times[1], "By wheelchair"),
        ("Ben", utc(DAY), None),
    ]
    assert await db.fetchval("select count(*) from customer") == 2


async def test_a_newly_chosen_time_survives_an_invalid_field(client, lakeside):
    other_time = utc(DAY + timedelta(minutes=30))
    response = await send(client, await open_form(client, lakeside), email="ana@", instead=other_time)
    assert response.status_code == 400
    assert parse_qs(urlsplit(form_of(response)[0]).query)["start"] == [other_time]


async def test_the_script_can_check_whether_the_time_is_still_free(client, lakeside):
    form = await open_form(client, lakeside)
    query = {"type": lakeside, "start": DAY.isoformat()}
    assert (await client.get("/c/lakeside/details/free", params=query)).status_code == 204
    await send(client, form)
    response = await client.get("/c/lakeside/details/free", params=query)
    assert response.status_code == 200
    assert len(alternatives(response)) == 5


async def test_an_unpublished_time_is_not_booked(client, db, lakeside):
    response = await send(client, await open_form(client, lakeside, DAY.replace(hour=1)))
    assert response.status_code == 409
    assert await db.fetchval("select count(*) from appointment") == 0


async def test_the_response_does_not_reveal_whether_a_customer_exists(client, lakeside):
    await create_customer(client, name="Ana Souza", email="ana@example.org")
    form = await open_form(client, lakeside)
    other_form = await open_form(client, lakeside, DAY + timedelta(minutes=30))
    for_existing = await send(client, form)
    for_new = await send(client, other_form, name="Nobody", email="nobody@example.org")
    assert for_existing.status_code == for_new.status_code
    assert len(for_existing.headers["Location"]) == len(for_new.headers["Location"])


async def test_going_back_to_the_form_after_booking_shows_the_booking(client, lakeside):
    address, hidden = await open_form(client, lakeside)
    response = await client.post(address, data=hidden | {"name": "Ana", "email": "ana@example.org"})
    cookie = {"Cookie": response.headers["Set-Cookie"].split(";")[0]}
    client.cookies.clear()
    new_page, own_page = response.headers["Location"], response.headers["Location"].split("?")[0]
    assert "sent a confirmation to ana@example.org" in (await client.get(new_page, headers=cookie)).text
    assert "sent a confirmation to ana@example.org" not in (await client.get(new_page)).text
    back = await client.get(address, headers=cookie)
    assert (back.status_code, back.headers["Location"]) == (303, own_page)
    assert "Choose" in (await client.get(address)).text
    for value in ("x", "apm_x", cookie["Cookie"].split("=", 1)[1] + "x"):
        assert (await client.get(address, headers={"Cookie": f"{BOOKED_COOKIE}={value}"})).status_code == 200
    await client.post(own_page + "/cancel")
    assert (await client.get(address, headers=cookie)).status_code == 200


@pytest.mark.usefixtures("still_clock")
async def test_the_form_has_the_same_registration_limit_as_the_api(db, client, lakeside, database_url):
    app = application.create(
        settings(rate_limits=True, registrations_rate="1/hour"), database_url=database_url, admin_token=TOKEN
    )
    async with (
        app.lifespan(),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://testserver.local") as limited,
    ):
        assert (await send(limited, await open_form(limited, lakeside))).status_code == 303
        response = await send(limited, await open_form(limited, lakeside, DAY + timedelta(minutes=30)), name="Ben")
        assert response.status_code == 429
        assert 'value="Ben"' in response.text


async def test_a_visitor_who_never_saw_the_response_can_find_the_booking(client, lakeside):
    page = await client.get("/c/lakeside/details", params={"type": lakeside, "start": DAY.isoformat()})
    cookie = {"Cookie": page.headers["Set-Cookie"].split(";")[0]}
    booked = (await send(client, form_of(page))).headers["Location"].split("?")[0]  # but the visitor's connection drops
    client.cookies.clear()
    later = {"type": lakeside, "start": (DAY + timedelta(minutes=30)).isoformat()}
    other_time = await client.get("/c/lakeside/details", params=later, headers=cookie)
    assert "a few minutes ago" in other_time.text
    assert f'href="{booked}"' in other_time.text
    again = await client.get("/c/lakeside/details", params={"type": lakeside, "start": DAY.isoformat()}, headers=cookie)
    assert (again.status_code, again.headers["Location"]) == (303, booked)
    client.cookies.clear()
    assert booked not in (await client.get("/c/lakeside/details", params=later)).text


async def test_a_form_sent_by_another_site_books_nothing(client, lakeside):
    address, hidden = await open_form(client, lakeside)
    response = await client.post(
        address, data=hidden | {"name": "Ana", "email": "ana@example.org"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert response.status_code == 403
