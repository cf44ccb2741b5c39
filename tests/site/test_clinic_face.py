"""What a clinic's pages show about the clinic itself, and what they ask about patients."""

from datetime import UTC, datetime

import pytest

from appoint.clinics.clinics.model import OpeningTime, Profile
from appoint.site.patient.face import accent_style, contrast, legible, opening_lines, opening_state
from support.app import ADMIN
from support.world import create_appointment_type, create_clinic, create_doctor

WHITE, NIGHT = (1.0, 1.0, 1.0), (0.14, 0.155, 0.17)
HOURS = Profile(
    opening_hours=[
        OpeningTime(weekday="monday", from_="08:00", until="12:00"),
        OpeningTime(weekday="monday", from_="14:00", until="18:00"),
        OpeningTime(weekday="thursday", from_="08:00", until="12:00"),
    ]
)


@pytest.mark.parametrize(
    ("day", "hour", "state"),
    [
        (1, 9, (True, "Open until 12:00")),
        (1, 12, (False, "Opens at 14:00")),
        (1, 18, (False, "Opens on Thursday at 08:00")),
        (3, 9, (False, "Opens tomorrow at 08:00")),
        (4, 12, (False, "Opens on Monday at 08:00")),
    ],
)
def test_a_clinic_is_open_or_opens_at_its_next_hours(day, hour, state):
    opens = opening_state(HOURS, "UTC", "en", datetime(2027, 3, day, hour, tzinfo=UTC))
    assert opens is not None
    assert (opens[0], opens[1].replace("\u202f", " ").replace("\u00a0", " ")) == state


def test_a_clinic_without_hours_says_nothing_about_them():
    assert opening_state(Profile(), "UTC", "en", datetime(2027, 3, 1, tzinfo=UTC)) is None
    assert opening_lines(Profile(), "en") == []
    assert opening_lines(HOURS, "de")[1] == ("Dienstag", "geschlossen")


@pytest.mark.parametrize("colour", ["#ffff00", "#000000", "#ffffff", "#1f5fa8", "#777777", "#ff0000", "#00ff99"])
def test_any_colour_becomes_legible_on_light_and_dark_pages(colour):
    rgb = tuple(int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    for background in (WHITE, NIGHT):
        moved = legible(rgb, background)
        assert contrast(tuple(int(moved[n : n + 2], 16) / 255 for n in (1, 3, 5)), background) >= 4.5


def test_a_clinic_without_a_colour_keeps_the_usual_accent():
    assert accent_style(None) == ""


@pytest.fixture
async def clinic(client):
    """A clinic with a paediatrician, and links to its legal pages."""
    profile = {
        "about": "By the lake.",
        "colour": "#1f5fa8",
        "privacyUrl": "https://lakeside.example.org/privacy",
        "imprintUrl": "https://lakeside.example.org/imprint",
    }
    clinic_id = await create_clinic(client, slug="lakeside", address="1 Lake Road", profile=profile)
    await create_doctor(client, clinic_id, name="Dr Kim", specialties=["394537008"], languages=["ko"], maxAge=17)
    await create_appointment_type(client, clinic_id)
    return clinic_id


async def test_a_clinics_page_shows_its_profile_and_doctors(client, clinic):
    page = await client.get("/c/lakeside", headers={"Accept-Language": "de"})
    for text in (
        "By the lake.",
        "Kinder- und Jugendmedizin",
        "Koreanisch",
        "bis 17 Jahre",
        "https://www.openstreetmap.org/search?query=1+Lake+Road",
        'href="https://lakeside.example.org/privacy"',
        "--accent:#1f5fa8",
    ):
        assert text in page.text


async def test_the_security_policy_allows_the_clinics_colour(client, clinic):
    policy = (await client.get("/c/lakeside")).headers["Content-Security-Policy"]
    assert policy.count("'sha256-") == 2


async def test_a_clinics_frame_links_its_privacy_notice_too(client, clinic):
    assert "https://lakeside.example.org/privacy" in (await client.get("/embed/lakeside")).text


async def test_managers_see_the_profile(client, clinic):
    page = await client.get(f"/staff/{clinic}/profile", headers=ADMIN)
    assert page.status_code in (200, 303)
