"""What a page that refuses shows a person: what happened, and the way on."""

import asyncio
import html
import re
from contextlib import asynccontextmanager

import httpx2
import pytest

from appoint.identity.sessions import service as sessions
from appoint.kit import errors
from appoint.kit.i18n import translate
from appoint.site.filters import waiting_time
from support.app import composed
from support.rows import clinic
from support.staff import add_user, bearer, works_at

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "de"}


@asynccontextmanager
async def limited(database_url, **changed):
    app = composed(database_url, rate_limits=True, **changed)
    async with (
        app.lifespan(),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://testserver.local", headers=BROWSER
        ) as client,
    ):
        yield client


def hidden(page: str) -> dict[str, str]:
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
async def test_who_meets_a_limit_reads_when_to_try_again_and_has_lost_nothing(db, database_url, path, data, setting):
    async with limited(database_url, **{setting: "1/hour", "requests_rate": "1/hour"}) as client:
        ask = client.post if data else client.get
        asked = {"data": data} if data else {}
        _, refused = [await ask(path, **asked) for _ in range(2)]
    assert (refused.status_code, refused.headers["Content-Type"]) == (429, "text/html; charset=utf-8")
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert ("<h1>Bitte warten Sie einen Moment</h1>" in refused.text, " noch einmal." in refused.text) == (True, True)
    if data:
        assert f'<form method="post" action="{path}">' in refused.text
        assert hidden(refused.text) == data
    else:
        assert 'class="button" href=""' in refused.text


async def test_a_password_is_not_sent_back_but_asked_for_again(db, database_url):
    async with limited(database_url, sign_in_rate="1/hour") as client:
        said = {"email": "mia@example.org", "password": "four quiet boats", "next": "/staff"}
        _, refused = [await client.post("/staff/sign-in", data=said) for _ in range(2)]
    assert (refused.status_code, hidden(refused.text)) == (429, {"email": "mia@example.org", "next": "/staff"})
    assert "four quiet boats" not in refused.text
    assert '<input type="password" value="" id="password"' in refused.text


@pytest.mark.parametrize(
    ("seconds", "language", "told"),
    [
        (1, "en", "in 1 minute"),
        (61, "en", "in 2 minutes"),
        (3600, "de", "in 1 Stunde"),
        (3601, "fr", "dans 2 heures"),
        (40 * 60, "es", "dentro de 40 minutos"),
    ],
)
def test_when_to_try_again_is_never_told_too_soon(seconds, language, told):
    assert waiting_time(seconds, language) == told


OUR_FAULT = translate(
    "de",
    "This is a problem on our side. Please try again in a moment. If it happens again, tell us the number below.",
)


async def away(*_, **__):
    raise errors.Unavailable


async def test_what_is_typed_while_the_database_is_away_can_be_sent_again(client, monkeypatch):
    monkeypatch.setattr(sessions, "sign_in", away)
    said = {"email": "mia@example.org", "password": "four quiet boats", "next": "/staff"}
    refused = await client.post("/staff/sign-in", data=said, headers=BROWSER)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
    assert (OUR_FAULT in refused.text, hidden(refused.text)) == (
        True,
        {"email": "mia@example.org", "next": "/staff"},
    )


async def test_pages_without_a_database_say_so(db, database_url):
    app = composed("postgresql://nobody@127.0.0.1:1/nothing")
    async with (
        app.lifespan(),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://testserver.local", headers=BROWSER
        ) as client,
    ):
        answers = [await client.get(path) for path in ("/", "/c/lakeside", "/staff/sign-in?lang=de")]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert all(OUR_FAULT in answer.text for answer in answers[:2])


async def test_a_page_that_takes_too_long_is_a_page_too(database_url, monkeypatch):
    async def forever(*_, **__):
        await asyncio.sleep(60)

    monkeypatch.setattr(sessions, "sign_in", forever)
    app = composed(database_url, request_seconds=1)
    async with (
        app.lifespan(),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://testserver.local", headers=BROWSER
        ) as client,
    ):
        given_up = await client.post(
            "/staff/sign-in", data={"email": "mia@example.org", "password": "four quiet boats"}
        )
    assert (given_up.status_code, hidden(given_up.text)) == (503, {"email": "mia@example.org"})


@pytest.mark.parametrize(
    ("ask", "status", "words"),
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
async def test_a_refusal_is_a_page_in_the_readers_language_with_a_way_on(client, ask, status, words):
    method, path, data, headers = (*ask, None, None)[:4]
    refused = await client.request(method, path, data=data, headers=BROWSER | (headers or {}))
    assert (refused.status_code, refused.headers["Content-Type"], words in refused.text) == (
        status,
        "text/html; charset=utf-8",
        True,
    )
    assert 'class="button quiet" href="/my"' in refused.text


async def test_a_form_that_does_not_know_the_sessions_token_is_refused_by_a_page(client, db):
    await clinic(client)
    await works_at(db, await add_user(db), role="receptionist")
    signed_in = await bearer(client)
    cookie = {"Cookie": f"__Host-appoint={signed_in['Authorization'].removeprefix('Bearer ')}"}
    refused = await client.post("/sign-out", data={"csrf": "other"}, headers=BROWSER | cookie)
    assert (refused.status_code, "Es wurde nichts geändert." in refused.text) == (403, True)
    assert 'href="/sign-in"' in refused.text
