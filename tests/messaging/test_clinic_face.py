"""Emails show the clinic's face: its logo, its colour and its legal pages, or otherwise the platform's."""

from functools import partial

import pytest

from appoint.clinics.pictures.model import DOT
from appoint.kit import clock
from appoint.messaging.notifications.gateway import compose
from support.app import ADMIN
from support.manage_links import book, create_visit
from support.post import LINKS, Office, Post

PLATFORM = LINKS._replace(privacy_url="https://appoint.example/privacy", imprint_url="https://appoint.example/imprint")


@pytest.fixture
async def visit(db, client):
    return await create_visit(db, client)


async def confirmation(db, client, visit):
    await book(client, visit)
    office = Office(db, post := Post())
    office.sending = office.sending._replace(writer=partial(compose, links=PLATFORM))
    await office.plan_and_send(clock.now())
    return next(message for message in post.messages if message.channel == "email")


async def test_an_email_shows_the_clinics_logo(db, client, visit):
    url = (await client.put("/api/clinics/1/logo", json={"content": DOT}, headers=ADMIN)).json()["url"]
    message = await confirmation(db, client, visit)
    assert f'<img src="https://appoint.example{url.replace(".webp", ".png")}"' in message.html


async def test_an_email_links_to_the_clinics_legal_pages_or_else_to_the_platforms(db, client, visit):
    profile = {"privacyUrl": "https://lakeside.example/privacy"}
    await client.patch("/api/clinics/1", json={"profile": profile}, headers=ADMIN)
    message = await confirmation(db, client, visit)
    for content in (message.html, message.text):
        assert "https://lakeside.example/privacy" in content
        assert "https://appoint.example/imprint" in content
        assert "https://appoint.example/privacy" not in content
