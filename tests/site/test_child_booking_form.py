"""The booking form for children, which a parent fills in."""

import re

import pytest

from appoint.clinics.audience import is_for_children
from appoint.clinics.catalogue.model import CatalogueDoctor
from appoint.kit.ids import new_id
from support.app import ADMIN
from support.booking_pages import DAY, form_of, send, sign_in_as_ana
from support.world import create_customer

CHILD = ("The child’s name", "The child’s date of birth", "How the clinic can reach you as a parent or guardian")
OWN = ("Your name", "How the clinic can reach you</legend>")


async def open_form(client, type: str):
    return await client.get("/c/lakeside/details", params={"type": type, "start": DAY.isoformat()})


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
    page = (await open_form(client, lakeside)).text
    assert [text in page for text in (*shown, *hidden)] == [True] * len(shown) + [False] * len(hidden)


async def test_a_signed_in_parent_books_a_childs_appointment_for_their_child(client, db, lakeside):
    await client.patch(f"/api/appointmentTypes/{lakeside}", json={"maxAge": 14}, headers=ADMIN)
    ana = await create_customer(client, name="Ana Souza", email="ana@example.org")
    await sign_in_as_ana(client)
    page = await open_form(client, lakeside)
    assert " checked" not in page.text
    refused = await send(client, form_of(page), name="")
    assert (refused.status_code, "Choose who the appointment is for." in refused.text) == (400, True)
    csrf = form_of(page)[1]["csrf"]
    await client.post("/my/people", data={"csrf": csrf, "name": "Mia Souza", "birthDate": "2019-05-01"})
    page = await open_form(client, lakeside)
    (selected,) = re.findall(r'name="person" value="([^"]+)" required checked', page.text)
    assert selected not in (ana, "other")
    response = await client.post(form_of(page)[0], data=form_of(page)[1] | {"person": selected})
    assert response.status_code == 303
    assert str(await db.fetchval("select customer_id from appointment")) == selected
