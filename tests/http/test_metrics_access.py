"""Access to the metrics, and how often they are written."""

import pytest

from appoint.kit import metrics
from support.app import ADMIN, client_of, composed, settings
from support.staff import add_user, bearer

TOKEN = "dR7-qmW2x_Jc0Lz9TfVb4yKs8NaHu1Pe"
PROMETHEUS = {"Authorization": f"Bearer {TOKEN}"}


async def statuses(client, *callers) -> list[int]:
    return [(await client.get("/metrics", headers=headers)).status_code for headers in callers]


async def test_in_production_only_administrators_can_read_the_metrics(db, database_url):
    await add_user(db)
    async with client_of(composed(database_url, mode="production")) as client:
        staff = await bearer(client)
        assert await statuses(client, {}, PROMETHEUS, staff, ADMIN) == [401, 401, 403, 200]


@pytest.mark.parametrize("mode", ["development", "production"])
async def test_if_a_metrics_token_is_set_every_mode_requires_it(db, database_url, mode):
    async with client_of(composed(database_url, mode=mode, metrics_token=TOKEN)) as client:
        wrong = {"Authorization": f"Bearer {TOKEN}x"}
        basic = {"Authorization": f"Basic {TOKEN}"}
        assert await statuses(client, {}, wrong, basic, PROMETHEUS, ADMIN) == [401, 401, 401, 200, 200]


async def test_the_metrics_token_does_not_give_access_to_anything_else(db, database_url):
    async with client_of(composed(database_url, mode="production", metrics_token=TOKEN)) as client:
        paths = ("/api/clinics", "/api/customers", "/staff", "/healthz")
        assert [(await client.get(path, headers=PROMETHEUS)).status_code for path in paths] == [401, 401, 303, 200]


def test_a_short_metrics_token_is_rejected():
    with pytest.raises(ValueError, match="metrics_token"):
        settings(metrics_token="short")


async def test_metrics_are_written_at_most_once_a_second_unless_a_reader_needs_new_ones(client, monkeypatch):
    written = []
    monkeypatch.setattr(metrics, "exposition", lambda: written.append(1) or b"")
    for _ in range(5):
        assert (await client.get("/metrics")).status_code == 200
    assert len(written) == 1
    await client.get("/metrics", headers={"Cache-Control": "no-cache"})
    assert len(written) == 2
