"""The development mailbox: it shows the messages that production would send, and their content can do no harm."""

import re

import httpx2
import pytest

from appoint.kit.i18n import translate
from appoint.messaging.channels.gateway import DevMailbox
from appoint.messaging.channels.model import Message
from appoint.messaging.channels.repository import MAX_DEV_MESSAGES
from appoint.server import app as application
from support.app import TOKEN, composed, connected_client, settings

LETTER = Message(
    "letter/1", "email", "ana@example.org", "Your appointment", "See you on Monday.\nhttps://appoint.example/a/1\n"
)
NOTE = Message("note/1", "sms", "+493012345678", "", "See you on Monday at nine.")
INVITATION = "BEGIN:VCALENDAR\r\nSUMMARY:Check-up\r\nEND:VCALENDAR\r\n"


@pytest.fixture
def mailbox(db):
    return DevMailbox(db)


async def test_an_empty_mailbox_says_so(client):
    page = await client.get("/dev/mailbox")
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "Nothing has been sent yet." in page.text


async def test_the_mailbox_lists_messages_newest_first(client, mailbox):
    await mailbox.send(LETTER)
    await mailbox.send(NOTE)
    page = (await client.get("/dev/mailbox")).text
    assert re.findall(r'href="/dev/mailbox/(\d+)">([^<]+)<', page) == [
        ("2", "See you on Monday at nine."),
        ("1", "Your appointment"),
    ]
    assert re.findall(r'class="badge (\w+)"', page) == ["sms", "email"]
    assert re.findall(r'class="recipient">([^<]+)<', page) == ["+493012345678", "ana@example.org"]


async def insert_text_messages(db, count: int) -> None:
    """Insert text messages, each with its number as its text."""
    await db.execute(
        """
        insert into dev_message (token, channel, recipient, subject, text)
        select n, 'sms', '+4930', '', n from generate_series(1, $1) n
        """,
        count,
    )


async def test_the_two_hundred_newest_messages_are_listed(client, db, mailbox):
    await insert_text_messages(db, 250)
    page = (await client.get("/dev/mailbox")).text
    assert [int(id) for id in re.findall(r'href="/dev/mailbox/(\d+)"', page)] == list(range(250, 50, -1))


async def test_only_the_thousand_newest_messages_are_stored(db, mailbox):
    await insert_text_messages(db, MAX_DEV_MESSAGES)
    await mailbox.send(LETTER)
    await mailbox.send(NOTE)
    await mailbox.send(NOTE)
    assert tuple(
        await db.fetchrow(
            "select count(*), min(text::int) filter (where channel = 'sms' and text ~ '^\\d+$') from dev_message"
        )
    ) == (MAX_DEV_MESSAGES, 3)


async def test_a_message_sent_twice_is_stored_once(db, mailbox):
    await mailbox.send(LETTER)
    await mailbox.send(LETTER._replace(text="Another attempt."))
    assert [row.text for row in await db.fetch("select text from dev_message")] == [LETTER.text]


async def test_an_email_is_shown_with_its_text_html_and_calendar_entry(client, mailbox):
    await mailbox.send(LETTER._replace(html='<p class="hi">See <b>you</b></p>', calendar=INVITATION))
    page = (await client.get("/dev/mailbox/1")).text
    assert "<h1>Your appointment</h1>" in page
    assert "<dd>ana@example.org</dd>" in page
    assert (
        'sandbox title="HTML message" srcdoc="&lt;p class=&#34;hi&#34;&gt;See &lt;b&gt;you&lt;/b&gt;&lt;/p&gt;"' in page
    )
    assert '<a href="https://appoint.example/a/1" rel="noopener">https://appoint.example/a/1</a>' in page
    assert "SUMMARY:Check-up" in page


async def test_the_calendar_entry_can_be_downloaded(client, mailbox):
    await mailbox.send(LETTER._replace(calendar=INVITATION))
    assert 'href="/dev/mailbox/1.ics"' in (await client.get("/dev/mailbox/1")).text
    file = await client.get("/dev/mailbox/1.ics")
    assert (file.text, file.headers["Content-Type"]) == (INVITATION, "text/calendar; charset=utf-8")
    assert file.headers["Content-Disposition"] == 'attachment; filename="invite.ics"'


async def test_a_text_message_is_shown_without_html_or_a_calendar_entry(client, mailbox):
    await mailbox.send(NOTE)
    page = (await client.get("/dev/mailbox/1")).text
    assert "<h1>Text message</h1>" in page
    assert "See you on Monday at nine." in page
    assert "iframe" not in page
    assert ".ics" not in page


async def test_markup_in_a_message_is_escaped(client, mailbox):
    evil = '"><script>alert(1)</script>'
    await mailbox.send(LETTER._replace(subject=evil, text=evil, html=f"<p>{evil}</p>", calendar=evil))
    await mailbox.send(NOTE._replace(text=evil))
    for path in ("/dev/mailbox", "/dev/mailbox/1", "/dev/mailbox/2"):
        page = await client.get(path)
        assert "<script" not in page.text
        assert "default-src 'self'" in page.headers["Content-Security-Policy"]


async def test_mailbox_pages_are_never_cached(client, mailbox):
    await mailbox.send(LETTER._replace(calendar=INVITATION))
    assert [(await client.get(f"/dev/mailbox{path}")).headers["Cache-Control"] for path in ("", "/1", "/1.ics")] == [
        "no-store"
    ] * 3


@pytest.mark.parametrize(
    "name",
    ["2", "0", "-1", "01", "1.", "1.eml", "1.ics", "1.ics.ics", "nonsense", "1e3", "١", "9" * 18, "9" * 400, "%00"],
)
async def test_invalid_message_numbers_are_not_found(client, mailbox, name):
    await mailbox.send(LETTER)
    assert (await client.get(f"/dev/mailbox/{name}")).status_code == 404


@pytest.mark.parametrize("language", ["de", "es", "fr"])
async def test_the_mailbox_is_translated(client, language):
    title = translate(language, "Development mailbox")
    assert title != "Development mailbox"
    assert f"<h1>{title}</h1>" in (await client.get("/dev/mailbox", headers={"Accept-Language": language})).text


async def test_the_mailbox_is_not_found_from_other_machines(client, mailbox, database_url):
    """A proxy could let them reach the server."""
    await mailbox.send(LETTER)
    async with connected_client(composed(database_url), address="192.0.2.7") as other:
        assert [(await other.get(f"/dev/mailbox{path}")).status_code for path in ("", "/1")] == [404, 404]


async def test_production_has_no_mailbox(db, database_url, mailbox):
    await mailbox.send(LETTER._replace(calendar=INVITATION))
    app = application.create(settings(mode="production"), database_url=database_url, admin_token=TOKEN)
    async with (
        app.lifespan(),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://testserver.local") as client,
    ):
        assert [(await client.get(f"/dev/mailbox{path}")).status_code for path in ("", "/1", "/1.ics", "/2")] == [
            404
        ] * 4


async def test_the_design_page_does_not_load_anything_from_other_origins(client):
    page = (await client.get("/design")).text
    assert '<html lang="' in page
    page = re.sub(r"<style>.*?</style>|<link rel=\"icon\"[^>]*>", "", page, flags=re.DOTALL)
    assert re.findall(r"<script>|style=|https?://|src=\"(?!/assets/)|onclick", page) == []
