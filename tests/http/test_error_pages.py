"""Error pages say what happened, keep what the reader typed and link onwards."""

import asyncio
import html
import re

import pytest

from appoint.identity.sessions import service as sessions
from appoint.kit import errors
from appoint.kit.i18n import translate
from appoint.site.filters import waiting_time
from support.app import client_of, composed
from support.staff import add_user, bearer, works_at
from support.world import create_clinic

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "de"}


def limited(database_url, **changes):
    return client_of(composed(database_url, rate_limits=True, **changes), headers=BROWSER)


def hidden_fields(page: str) -> dict[str, str]:
    return {
        name: html.unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    }


@pytest.mark.parametrize(
    ("path", "data", "setting"),
    [
        ("/", None, "search_rate"),
        ("/sign-in?next=%2Fmy", {"address": "ana@example.org", "next": "/my"}, "sign_in_rate"),
        (
            "/c/lakeside/details?type=1",
            {"name": 'Ana "Ana" Souza', "note": "<b>", "start": "2027-03-01T09:00:00Z"},
            "bookings_rate",
        ),
    ],
)
@pytest.mark.usefixtures("still_clock")
async def test_a_rate_limited_page_says_when_to_retry_and_keeps_the_input(db, database_url, path, data, setting):
    async with limited(database_url, **{setting: "1/hour", "requests_rate": "1/hour"}) as client:
        send = client.post if data else client.get
        options = {"data": data} if data else {}
        _, refusal = [await send(path, **options) for _ in range(2)]
    assert (refusal.status_code, refusal.headers["Content-Type"]) == (429, "text/html; charset=utf-8")
    assert 0 < int(refusal.headers["Retry-After"]) <= 3600
    assert ("<h1>Bitte warten Sie einen Moment</h1>" in refusal.text, " noch einmal." in refusal.text) == (True, True)
    if data:
        assert f'<form method="post" action="{path}">' in refusal.text
        assert hidden_fields(refusal.text) == data
    else:
        assert 'class="button" href=""' in refusal.text


@pytest.mark.usefixtures("still_clock")
async def test_a_refused_sign_in_form_omits_the_password(db, database_url):
    async with limited(database_url, sign_in_rate="1/hour") as client:
        form = {"email": "mia@example.org", "password": "four quiet boats", "next": "/staff"}
        _, refusal = [await client.post("/staff/sign-in", data=form) for _ in range(2)]
    assert (refusal.status_code, hidden_fields(refusal.text)) == (429, {"email": "mia@example.org", "next": "/staff"})
    assert "four quiet boats" not in refusal.text
    assert '<input type="password" value="" id="password"' in refusal.text


@pytest.mark.parametrize(
    ("seconds", "language", "text"),
    [
        (1, "en", "in 1 minute"),
        (61, "en", "in 2 minutes"),
        (3600, "de", "in 1 Stunde"),
        (3601, "fr", "dans 2 heures"),
        (40 * 60, "es", "dentro de 40 minutos"),
    ],
)
def test_the_waiting_time_is_rounded_up(seconds, language, text):
    assert waiting_time(seconds, language) == text


OUTAGE = translate(
    "de",
    "This is a problem on our side. Please try again in a moment. If it happens again, tell us the number below.",
)


async def raise_unavailable(*_, **__):
    raise errors.Unavailable


async def test_a_form_sent_while_the_database_is_down_can_be_sent_again(client, monkeypatch):
    monkeypatch.setattr(sessions, "sign_in", raise_unavailable)
    form = {"email": "mia@example.org", "password": "four quiet boats", "next": "/staff"}
    refusal = await client.post("/staff/sign-in", data=form, headers=BROWSER)
    assert (refusal.status_code, refusal.headers["Retry-After"]) == (503, "2")
    assert (OUTAGE in refusal.text, hidden_fields(refusal.text)) == (
        True,
        {"email": "mia@example.org", "next": "/staff"},
    )


async def test_pages_without_a_database_explain_the_outage(db, database_url):
    app = composed("postgresql://nobody@127.0.0.1:1/nothing")
    async with client_of(app, headers=BROWSER) as client:
        responses = [await client.get(path) for path in ("/", "/c/lakeside", "/staff/sign-in?lang=de")]
    assert [response.status_code for response in responses] == [503, 503, 200]
    assert all(OUTAGE in response.text for response in responses[:2])


async def test_a_page_request_that_times_out_gets_an_error_page(database_url, monkeypatch):
    async def never_finish(*_, **__):
        await asyncio.sleep(60)

    monkeypatch.setattr(sessions, "sign_in", never_finish)
    app = composed(database_url, request_seconds=1)
    async with client_of(app, headers=BROWSER) as client:
        timed_out = await client.post(
            "/staff/sign-in", data={"email": "mia@example.org", "password": "four quiet boats"}
        )
    assert (timed_out.status_code, hidden_fields(timed_out.text)) == (503, {"email": "mia@example.org"})


@pytest.mark.parametrize(
    ("call", "status", "text"),
    [
        (("GET", "/nothing"), 404, "Diese Seite gibt es nicht"),
        (("GET", "/sign-out"), 405, translate("de", "This page can’t be opened directly")),
        (("POST", "/sign-in", {"address": "a" * 1_100_000}), 413, translate("de", "That was too much data")),
        (
            ("POST", "/sign-in", {"address": "ana@example.org"}, {"Sec-Fetch-Site": "cross-site"}),
            403,
            "Es wurde nichts geändert.",
        ),
    ],
)
async def test_an_error_page_is_in_the_readers_language_and_links_onwards(client, call, status, text):
    method, path, data, headers = (*call, None, None)[:4]
    refusal = await client.request(method, path, data=data, headers=BROWSER | (headers or {}))
    assert (refusal.status_code, refusal.headers["Content-Type"], text in refusal.text) == (
        status,
        "text/html; charset=utf-8",
        True,
    )
    assert 'class="button quiet" href="/my"' in refusal.text


async def test_a_form_without_the_sessions_csrf_token_gets_an_error_page(client, db):
    await create_clinic(client)
    await works_at(db, await add_user(db), role="receptionist")
    headers = await bearer(client)
    cookie = {"Cookie": f"__Host-appoint={headers['Authorization'].removeprefix('Bearer ')}"}
    refusal = await client.post("/sign-out", data={"csrf": "other"}, headers=BROWSER | cookie)
    assert (refusal.status_code, "Es wurde nichts geändert." in refusal.text) == (403, True)
    assert 'href="/sign-in"' in refusal.text
