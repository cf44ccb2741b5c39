"""The booking form for children, which a parent fills in."""

import pytest

from appoint.clinics.audience import is_for_children
from appoint.clinics.catalogue.model import CatalogueDoctor
from appoint.kit.ids import new_id
from support.app import ADMIN
from support.booking_pages import DAY

CHILD = ("The child’s name", "The child’s date of birth", "How the clinic can reach you as a parent or guardian")
OWN = ("Your name", "How the clinic can reach you</legend>")


def doctor(max_age: int | None) -> CatalogueDoctor:
    return CatalogueDoctor(new_id(1), 1, "Dr Shah", None, True, None, max_age=max_age)


@pytest.mark.parametrize(
    ("type_limit", "doctor_limits", "expected"),
    [
        (None, [], False),
        (17, [None], True),
        (18, [None], False),
        (None, [17, 5], True),
        (None, [17, None], False),
    ],
)
def test_a_booking_is_for_a_child_if_the_type_or_every_doctor_is_for_children_only(type_limit, doctor_limits, expected):
    type = None if type_limit is None else doctor(type_limit)
    assert is_for_children(type, map(doctor, doctor_limits)) == expected


@pytest.mark.parametrize(("max_age", "shown", "hidden"), [(14, CHILD, OWN), (None, OWN, CHILD)])
async def test_the_form_asks_a_parent_for_the_childs_name_and_their_own_contact(
    client, lakeside, max_age, shown, hidden
):
    await client.patch(f"/api/appointmentTypes/{lakeside}", json={"maxAge": max_age}, headers=ADMIN)
    query = {"type": lakeside, "start": DAY.isoformat()}
    page = (await client.get("/c/lakeside/details", params=query)).text
    assert [text in page for text in (*shown, *hidden)] == [True] * len(shown) + [False] * len(hidden)
