"""What a clinic says about itself."""

import pytest

from support.app import ADMIN
from support.world import create_clinic

PROFILE = {
    "about": "By the lake since 1998.",
    "website": "https://lakeside.example.org",
    "colour": "#1f5fa8",
    "openingHours": [{"weekday": "monday", "from": "08:00", "until": "12:30"}],
    "privacyUrl": "https://lakeside.example.org/privacy",
}


async def patch(client, clinic_id, profile):
    return await client.patch(f"/api/clinics/{clinic_id}", json={"profile": profile}, headers=ADMIN)


async def test_a_profile_can_be_read_back_by_anyone(client):
    clinic_id = await create_clinic(client, profile=PROFILE)
    assert PROFILE.items() <= (await client.get(f"/api/clinics/{clinic_id}")).json()["profile"].items()


async def test_a_section_of_the_profile_can_be_changed_by_itself(client):
    clinic_id = await create_clinic(client, profile=PROFILE)
    changed = (await patch(client, clinic_id, {"about": "New words", "website": None})).json()["profile"]
    assert (changed["about"], changed["website"]) == ("New words", None)
    assert changed["openingHours"] == PROFILE["openingHours"]


@pytest.mark.parametrize(
    ("profile", "pointer"),
    [
        ({"website": "javascript:alert(1)"}, "#/profile/website"),
        ({"website": "https://ana@evil.example"}, "#/profile/website"),
        ({"privacyUrl": 'https://lakeside.example.org/" onclick="x'}, "#/profile/privacyUrl"),
        ({"colour": "red"}, "#/profile/colour"),
        (
            {"openingHours": [{"weekday": "monday", "from": "12:00", "until": "08:00"}]},
            "#/profile/openingHours/0/until",
        ),
    ],
)
async def test_an_invalid_member_is_reported(client, profile, pointer):
    refusal = await patch(client, await create_clinic(client), profile)
    assert [error["pointer"] for error in refusal.json()["errors"]] == [pointer]
