import pytest

from appoint.kit import clock
from appoint.kit.cache import ClinicCache
from support.gateways import MailServer, mail_server, text_gateway
from support.notifications import NEXT_WEEK, TOMORROW
from support.post import Office, Post
from support.world import World, at


@pytest.fixture(scope="session")
def server():
    with mail_server() as server:
        yield server


@pytest.fixture(scope="session")
def texts():
    with text_gateway() as gateway:
        yield gateway


@pytest.fixture
def inbox(server: MailServer) -> MailServer:
    server.clear()
    return server


@pytest.fixture
async def world(db, monkeypatch):
    """Ana has an email address, and Ben has a phone number. It is seven o'clock on Monday in Berlin."""
    async with ClinicCache(None) as cache:
        world = await World.make(db, cache, email="desk@lakeside.example", agenda_minute=None)
        await db.execute("update customer set email = 'ana@example.org' where id = $1", world.ana)
        await db.execute("update customer set phone = '+493012345678' where id = $1", world.ben)
        for day in (TOMORROW, NEXT_WEEK):
            await world.publish(world.dr_shah, at(8, day=day), at(16, day=day))
        monkeypatch.setattr(clock, "now", lambda: world.now)
        yield world


@pytest.fixture
def post():
    return Post()


@pytest.fixture
def office(db, post):
    return Office(db, post)
