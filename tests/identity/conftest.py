from datetime import timedelta
from functools import partial

import pytest

from appoint.identity.oidc import service
from appoint.identity.oidc.gateway import Provider
from appoint.kit import clock
from appoint.kit.cache import ClinicCache
from appoint.messaging.notifications.gateway import compose
from appoint.messaging.notifications.links import MessageLinks
from support.app import client_of, composed
from support.oidc import oidc_settings
from support.openid_pages import Browser, page_settings
from support.post import Office, Post
from support.provider import openid_provider
from support.staff import SECRET, add_user, bearer, works_at
from support.world import World, create_clinic, create_customer


@pytest.fixture
async def mia(db, client):
    """The manager of the only clinic."""
    await create_clinic(client)
    user_id = await add_user(db)
    await works_at(db, user_id)
    return user_id


@pytest.fixture
async def manager(client, mia):
    """Headers that authenticate Mia."""
    return await bearer(client)


@pytest.fixture
def post():
    return Post()


@pytest.fixture
def office(db, post):
    """A worker that sends messages, with links signed by the server's secret."""
    office = Office(db, post)
    office.sending = office.sending._replace(
        writer=partial(compose, links=MessageLinks("https://appoint.example", SECRET, "appointments@appoint.example"))
    )
    return office


class Clock:
    def __init__(self) -> None:
        self.now = clock.now()

    def passes(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def time(monkeypatch) -> Clock:
    time = Clock()
    monkeypatch.setattr(clock, "now", lambda: time.now)
    return time


@pytest.fixture
async def lakeside(db, client) -> int:
    return await create_clinic(client)


@pytest.fixture
async def ana(client):
    return await create_customer(client, name="Ana", email="ana@example.org", phone="+493012345678")


@pytest.fixture
async def family(client):
    return [await create_customer(client, name=name, email="family@example.org") for name in ("Ana", "Ben")]


@pytest.fixture
async def world(db, monkeypatch):
    """A clinic in permanent quiet hours, where Mia has yet to be invited. Ana has an email address and a phone number,
    and has opted out of messages on both channels.
    """
    async with ClinicCache(None) as cache:
        world = await World.make(db, cache, locale="de")
        await db.execute("update clinic set quiet_from = 0, quiet_until = 1439")
        world.mia = await db.fetchval(
            "insert into app_user (name, email) values ('Mia Klein', 'mia@lakeside.example') returning id"
        )
        await db.execute(
            "update customer set email = 'ana@example.org', phone = '+493012345678' where id = $1", world.ana
        )
        await db.execute(
            """
            insert into notification_preference (customer_id, channel, wanted)
            values ($1, 'email', false), ($1, 'sms', false)
            """,
            world.ana,
        )
        monkeypatch.setattr(clock, "now", lambda: world.now)
        yield world


@pytest.fixture(scope="session")
def idp_server():
    with openid_provider() as provider:
        yield provider


@pytest.fixture
def idp(idp_server):
    """The provider, reset to its initial state."""
    idp_server.codes, idp_server.configuration = {}, {}
    idp_server.responses, idp_server.requests, idp_server.down, idp_server.seconds = {}, [], False, 0.0
    idp_server.keys = {"first": idp_server.first}
    idp_server.may_respond.set()
    return idp_server


@pytest.fixture
async def provider(idp):
    trust = service.read_trust(oidc_settings(idp, oidc_algorithms=["RS256", "ES256", "EdDSA", "Ed25519", "PS256"]))
    assert trust
    async with Provider(trust) as provider:
        yield provider


@pytest.fixture
async def pages(db, database_url, idp):
    """A client for an application whose pages offer the provider. Mia manages its only clinic."""
    async with client_of(composed(database_url, **page_settings(idp))) as client:
        yield await with_mia(db, client)


@pytest.fixture
async def linking_pages(db, database_url, idp):
    """The same, but the provider's verified email addresses link accounts."""
    async with client_of(composed(database_url, **page_settings(idp, oidc_link_by_email=True))) as client:
        yield await with_mia(db, client)


async def with_mia(db, client):
    await create_clinic(client)
    await works_at(db, await add_user(db))
    return client


@pytest.fixture
def browser(pages, idp):
    return Browser(pages, idp)
