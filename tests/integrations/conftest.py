import pytest

from appoint.database.pool import Database
from appoint.integrations.broker import gateway
from appoint.integrations.broker import jobs as publishing
from appoint.integrations.webhooks import jobs as delivery
from appoint.kit.leases import PollIntervals
from support.webhooks import Clock


@pytest.fixture
def time() -> Clock:
    return Clock()


@pytest.fixture
async def two_clinics(db: Database) -> None:
    for name in ("Lakeside", "Hillside"):
        await db.execute("insert into clinic (name, time_zone) values ($1, 'Europe/Berlin')", name)


@pytest.fixture
def fast_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deliver with shorter pauses than in production."""
    monkeypatch.setattr(delivery, "PACE", PollIntervals(0.01, 0.01))


@pytest.fixture
def fast_publishing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Publish with shorter pauses than in production."""
    monkeypatch.setattr(publishing, "TURN_SECONDS", 0.2)
    monkeypatch.setattr(publishing, "IDLE_SECONDS", 0.1)
    monkeypatch.setattr(gateway, "ACKNOWLEDGE_SECONDS", 2)
