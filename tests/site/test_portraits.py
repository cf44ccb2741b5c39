"""Initials for people without a portrait."""

import pytest

from appoint.site.portraits import HUES, hue, initials
from support.app import ADMIN
from support.world import create_clinic, create_doctor


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Dr. Jana Müller", "JM"),
        ("Dr. Sofía Ferrer Ruiz", "SR"),
        ("Prof. Dr. Li", "L"),
        ("Dr. Mei-Ling Chen (陳美玲)", "MC"),
        ("Cher", "C"),
        ("Dr.", "D"),
        ("123", ""),
    ],
)
def test_titles_are_not_part_of_the_initials(name, letters):
    assert initials(name) == letters


def test_every_name_has_one_of_the_colours():
    assert {hue(name) for name in ("Ana", "Ben", "Cleo", "李娜")} <= set(range(HUES))


async def test_doctors_without_a_portrait_show_their_initials(client):
    await create_clinic(client, slug="lakeside")
    await create_doctor(client, name="Dr. Amara Shah")
    assert ">AS</span>" in (await client.get("/c/lakeside")).text
    assert ">AS</span>" in (await client.get("/staff/1/doctors", headers=ADMIN)).text
