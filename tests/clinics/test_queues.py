"""Visitors to a clinic's booking pages wait in its queue until it is their turn, and others never wait."""

import re
from datetime import timedelta

import pytest

from appoint.clinics.queues import line, tickets
from appoint.clinics.queues.tickets import Ticket
from appoint.clinics.queues.turnstile import Turnstile
from appoint.http.rate_limits.counters import Rate
from appoint.kit import clock
from appoint.kit.i18n import LANGUAGES
from support.api_keys import create_key, key_header
from support.app import ADMIN
from support.manage_links import book, create_visit, page_path, token_headers
from support.queues import NAME, SECRET, Visitor, change_queue, create_queue, queue_client, waits
from support.races import appointment_body
from support.staff import add_user, bearer, works_at
from support.statements import StatementCounter
from support.world import create_clinic, create_customer, create_doctor

FORM = "/c/lakeside/details?start=2027-01-12T12:00Z"


@pytest.fixture
async def client(db, database_url, monkeypatch):
    async with queue_client(database_url, monkeypatch) as client:
        yield client


@pytest.fixture
def pass_time(monkeypatch):
    """Return a function that moves the process's clock forward."""

    def forward(**length):
        now = clock.now() + timedelta(**length)
        monkeypatch.setattr(clock, "now", lambda: now)

    return forward


async def test_a_visitor_waits_until_it_is_their_turn_and_then_books_with_a_pass(client):
    await create_queue(client)
    visitor = Visitor(client)
    page = await visitor.get()
    assert waits(page)
    assert "Your place in the queue" in page.text
    assert visitor.ticket().kind == "ticket"
    assert waits(await visitor.get())
    await client.queues.advance()
    assert not waits(await visitor.get())
    assert visitor.ticket().kind == "pass"
    assert not waits(await visitor.get("/c/lakeside/details"))


async def test_visitors_whose_turn_it_is_do_not_wait_behind_the_pages_of_others(client, monkeypatch):
    await create_queue(client)
    visitor = Visitor(client)
    await visitor.get()
    await client.queues.advance()
    monkeypatch.delattr(Turnstile, "enter")
    assert not waits(await visitor.get())
    assert not waits(await visitor.get("/c/lakeside/details"))


async def test_scripts_on_configured_origins_can_read_that_they_have_to_wait(db, database_url, monkeypatch):
    async with queue_client(database_url, monkeypatch, cors_origins="https://clinic.example") as client:
        await create_queue(client)
        for origin, allowed in (("https://clinic.example", "https://clinic.example"), ("https://evil.example", None)):
            response = await client.get("/api/clinics/1/availability", headers={"Origin": origin})
            assert (response.status_code, response.json()["type"]) == (429, "/problems/in-queue")
            assert response.headers.get("Access-Control-Allow-Origin") == allowed
            assert ("Retry-After" in response.headers.get("Access-Control-Expose-Headers", "")) == bool(allowed)


async def test_pages_open_as_usual_while_the_queue_is_closed(client):
    await create_queue(client)
    await change_queue(client, open=False)
    response = await Visitor(client).get()
    assert response.status_code == 200
    assert not waits(response)
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_is_small_has_no_script_and_needs_no_statement(client, language, monkeypatch):
    await create_queue(client, name="Gemeinschaftspraxis am Sonntagsmarkt für Allgemeinmedizin")
    visitor = Visitor(client, **{"Accept-Language": language})
    page = await visitor.get()
    assert len(page.content) < 4096
    assert "<script" not in page.text
    assert page.headers["content-language"] == language
    assert page.headers["cache-control"] == "no-store"
    assert 15 <= int(page.headers["refresh"]) <= 30
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    statements = StatementCounter(monkeypatch)
    assert waits(await visitor.get())
    assert statements.count == 0


async def test_the_page_says_how_many_are_ahead_and_how_long_they_will_take(client, monkeypatch):
    monkeypatch.setattr(line, "BLOCK_SECONDS", 3600)  # on a slow machine, expired blocks would take up many places
    await create_queue(client)
    visitors = [Visitor(client) for _ in range(1500)]
    for visitor in visitors[:40]:
        await visitor.get()
    for _ in range(3):
        await client.queues.advance()
    page = (await Visitor(client).get()).text
    assert "Less than a minute" in page
    for visitor in visitors[40:]:
        await visitor.get()
    await client.queues.advance()
    client.queues._lines[1].speed = 5.0
    page = (await visitors[-1].get(headers={"Accept-Language": "en-GB"})).text
    assert re.search(r"<dd>1,\d\d\d</dd>", page)
    assert re.search(r"About \d+ minutes", page)


async def test_a_program_is_told_its_place_and_when_to_come_back(client):
    await create_queue(client)
    program = Visitor(client)
    await Visitor(client).get()
    response = await program.get("/api/clinics/1/availability?date=2027-01-12")
    assert response.status_code == 429
    assert response.json()["type"] == "/problems/in-queue"
    assert response.json()["place"] == 2
    assert 15 <= int(response.headers["retry-after"]) <= 30
    await client.queues.advance()
    assert (await program.get("/api/clinics/1/availability?date=2027-01-12")).status_code == 200


async def test_a_script_on_a_page_gets_a_problem_instead_of_a_page(client):
    await create_queue(client)
    response = await Visitor(client).get("/c/lakeside/details/free", headers={"Sec-Fetch-Dest": "empty"})
    assert response.status_code == 429
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_booking_waits_even_if_only_its_body_names_the_clinic(client):
    await create_queue(client)
    program = Visitor(client)
    body = appointment_body(await create_doctor(client), await create_customer(client))
    for path in ("/api/appointments", "/api/bookings"):
        response = await program.request("POST", path, json=body)
        assert (response.status_code, response.json()["type"]) == (429, "/problems/in-queue")
    await client.queues.advance()
    assert (await program.request("POST", "/api/appointments", json=body)).status_code == 409


async def test_a_frame_on_another_site_leads_to_the_clinics_own_page(client):
    await create_queue(client)
    page = await Visitor(client).get("/embed/lakeside")
    assert 'href="/c/lakeside" target="_blank"' in page.text
    assert "set-cookie" not in page.headers
    assert "frame-ancestors *" in page.headers["content-security-policy"]


async def test_people_who_are_not_booking_never_wait(client, db):
    visit = await create_visit(db, client)
    appointment = await book(client, visit)
    await client.patch("/api/clinics/1", json={"slug": "lakeside"}, headers=ADMIN)
    await change_queue(client, open=True)
    key = key_header((await create_key(client, scopes=["see-appointments"])).json()["key"])
    await works_at(db, await add_user(db))
    availability = "/api/clinics/1/availability?date=2027-01-12"
    for headers in (ADMIN, key, await bearer(client), token_headers(appointment)):
        assert (await client.get(availability, headers=headers)).status_code == 200
    for path in (page_path(appointment), "/healthz", "/my", "/join/x", "/c/lakeside/confirm/x", "/", "/robots.txt"):
        response = await client.get(path)
        assert "refresh" not in response.headers, path
        assert response.status_code != 429, path
    assert (await client.get(availability)).status_code == 429


async def test_staff_of_another_clinic_and_signed_in_patients_wait(client, db):
    await create_queue(client)
    await create_clinic(client)
    await works_at(db, await add_user(db), clinic_id=2)
    headers = await bearer(client)
    assert (await client.get("/api/clinics/1/availability?date=2027-01-12", headers=headers)).status_code == 429


async def test_an_invalid_credential_is_refused_as_usual(client):
    await create_queue(client)
    headers = {"Authorization": "Bearer appoint_wrong"}
    assert (await client.get("/api/clinics/1/availability?date=2027-01-12", headers=headers)).status_code == 401


def forgeries():
    """Return values for the cookie that an attacker might try, given a genuine ticket for clinic 1."""
    now = clock.now()
    genuine = tickets.encode(SECRET, 1, Ticket("ticket", 10**6, now))
    return {
        "of another clinic": tickets.encode(SECRET, 2, Ticket("pass", 1, now)),
        "signed with another key": tickets.encode("guessed", 1, Ticket("pass", 1, now)),
        "a ticket called a pass": "AQ" + genuine[2:],
        "another number": genuine[:8] + "A" + genuine[9:],
        "shortened": genuine[:-1],
        "empty": "",
        "no base64": "x" * 25,
        "not ASCII": "ä" * 40,
    }


@pytest.mark.parametrize("kind", list(forgeries()))
async def test_a_forged_cookie_is_no_longer_valid(client, kind):
    await create_queue(client)
    visitor = Visitor(client)
    visitor.cookies[NAME.format(1)] = forgeries()[kind]
    headers = {"Cookie": f"{NAME.format(1)}={forgeries()[kind]}".encode()}
    assert waits(await client.get("/c/lakeside", headers=headers))


async def test_a_ticket_is_not_valid_at_another_clinic(client):
    await create_queue(client)
    await create_clinic(client, slug="hillside")
    await change_queue(client, 2, open=True)
    visitor = Visitor(client)
    await visitor.get()
    await client.queues.advance()
    await visitor.get()
    visitor.cookies[NAME.format(2)] = visitor.cookies[NAME.format(1)]
    assert waits(await visitor.get("/c/hillside"))


async def test_a_pass_lasts_ten_minutes_and_ten_more_for_a_form_that_was_begun(client, pass_time):
    await create_queue(client)
    visitor = Visitor(client)
    await visitor.get()
    await client.queues.advance()
    await visitor.get()
    pass_time(minutes=9, seconds=58)
    assert not waits(await visitor.get())
    pass_time(minutes=1)
    form = await visitor.request("POST", FORM, data={}, headers={"Sec-Fetch-Site": "same-origin"})
    assert not waits(form)
    assert waits(await visitor.get())
    assert visitor.ticket().kind == "ticket"


async def test_visitors_who_miss_their_turn_get_a_new_ticket(client, db):
    await create_queue(client)
    visitor = Visitor(client)
    await visitor.get()
    first = visitor.ticket()
    for _ in range(3):
        await db.execute("update visitor_queue set marked_at = now() - interval '11 minutes'")
        await client.queues.advance()
    assert waits(await visitor.get())
    assert visitor.ticket().number > first.number


async def test_a_ticket_that_is_half_a_day_old_is_no_longer_valid(client, pass_time):
    await create_queue(client)
    visitor = Visitor(client)
    await visitor.get()
    pass_time(hours=12, minutes=1)
    await client.queues.advance()
    assert waits(await visitor.get())


async def test_people_who_were_filling_in_the_form_when_the_queue_opened_can_send_it(client, pass_time):
    await create_clinic(client, slug="lakeside")
    visitor = Visitor(client)
    visitor.cookies["__Host-appoint-form"] = "x" * 20
    await change_queue(client, open=True)
    form = {"Sec-Fetch-Site": "same-origin"}
    assert not waits(await visitor.request("POST", FORM, data={}, headers=form))
    pass_time(minutes=10, seconds=1)
    assert waits(await visitor.request("POST", FORM, data={}, headers=form))


@pytest.mark.usefixtures("still_clock")
async def test_one_network_can_take_only_so_many_tickets(client):
    await create_queue(client)
    limits = client._transport.app.state.services.limits
    limits.on, limits.rates["tickets"] = True, Rate(3, 3600)
    visitors = [Visitor(client) for _ in range(4)]
    statuses = [(await visitor.get()).status_code for visitor in visitors]
    assert statuses == [200, 200, 200, 429]
    assert (await visitors[0].get()).status_code == 200
