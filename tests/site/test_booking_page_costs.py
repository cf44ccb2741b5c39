"""What the booking pages cost, in bytes and in round trips to the database."""

import gzip
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from appoint.server import app as application
from appoint.site import assets
from support.app import TOKEN, settings
from support.booking_pages import DAY, utc
from support.round_trips import proxied
from support.world import create_clinic, create_doctor, publish_slot

FIRST_PAGE_BYTES = 14_000
PATIENTS_BYTES = 60_000
"""The limit for scripts and styles. The typeface is counted separately."""
FONT_BYTES = 35_000


@asynccontextmanager
async def measured_client(database_url: str) -> AsyncIterator[tuple[httpx2.AsyncClient, Any]]:
    """A client for an application, and a counter of its round trips to the database."""
    with tempfile.TemporaryDirectory() as folder:
        async with proxied(database_url, folder) as (_, wire):
            app = application.create(settings(pool_size=1), database_url=wire.url, admin_token=TOKEN)
            async with (
                app.lifespan(),
                httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://appoint") as client,
            ):
                yield client, wire


async def test_the_first_booking_page_takes_one_round_trip_and_is_small(client, lakeside, database_url):
    await create_clinic(client, name="Bergpraxis", slug="berg")
    async with measured_client(database_url) as (measured, wire):
        await measured.get("/c/berg")  # connects, and prepares the statement
        before = wire.round_trips
        page = await measured.get("/c/lakeside")
        assert wire.round_trips - before == 1
        assert len(gzip.compress(page.content)) < FIRST_PAGE_BYTES
        assert re.findall(r"<(?:link rel=.stylesheet|img|script(?! type=.module))", page.text) == []


@pytest.mark.parametrize(
    "path",
    [
        "/c/lakeside/times?type={type}",
        "/c/lakeside",
        "/?specialty=Dermatology",
        "/c/lakeside/details?type={type}&start={start}",
    ],
)
async def test_a_page_runs_as_many_queries_for_thirty_doctors_as_for_three(client, db, lakeside, database_url, path):
    async def cost() -> list[int]:
        async with measured_client(database_url) as (measured, wire):
            address = path.format(type=lakeside, start=utc(DAY))
            round_trips = []
            for _ in range(3):  # by the last round, statements are prepared and caches are filled
                before = wire.round_trips
                assert (await measured.get(address)).status_code == 200
                round_trips.append(wire.round_trips - before)
            return round_trips

    for _ in range(2):
        await publish_slot(db, await create_doctor(client, specialty="Dermatology"), DAY, DAY + timedelta(hours=2))
    cost_for_three = await cost()
    for _ in range(27):
        await publish_slot(db, await create_doctor(client, specialty="Dermatology"), DAY, DAY + timedelta(hours=2))
    assert await cost() == cost_for_three


async def test_the_scripts_and_styles_for_patients_are_small():
    patient_assets = [
        asset for name, asset in assets.built().items() if name in ("patient.js", "patient.css", "embed.js")
    ]
    assert len(patient_assets) == 3
    assert sum(len(asset.gzipped or asset.content) for asset in patient_assets) < PATIENTS_BYTES


async def test_pages_load_their_typeface_once_early_and_from_the_same_host(client, lakeside):
    page = await client.get("/c/lakeside")
    [address] = re.findall(
        r'<link rel="preload" href="(/assets/[^"]+)" as="font" type="font/woff2" crossorigin>', page.text
    )
    assert f'src:url("{address}") format("woff2")' in page.text
    font = await client.get(address, headers={"Accept-Encoding": "gzip"})
    assert font.headers["content-type"] == "font/woff2"
    assert "immutable" in font.headers["cache-control"]
    assert "content-encoding" not in font.headers
    assert len(font.content) < FONT_BYTES


async def test_the_typefaces_licence_is_served_with_it(client):
    licence = await client.get("/assets/inter-license.txt")
    assert "SIL OPEN FONT LICENSE" in licence.text
