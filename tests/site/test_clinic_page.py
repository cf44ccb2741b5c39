"""A clinic's own public page."""

import re
from html import unescape

import pytest

from support.app import ADMIN
from support.world import create_appointment_type, create_clinic, create_doctor


async def test_a_clinic_page_is_found_by_slug_and_by_number(client, lakeside):
    assert "Once a year" in (await client.get("/c/lakeside")).text
    assert "Once a year" in (await client.get("/c/1")).text


@pytest.mark.parametrize("name", ["%00", "lake%00side", "%C3%A4", "Lakeside", "l" * 101, "0", "9" * 50, "a%2Fb", "%20"])
async def test_invalid_clinic_names_are_not_found(client, lakeside, name):
    for base in ("c", "embed"):
        assert (await client.get(f"/{base}/{name}")).status_code == 404


async def test_a_reused_slug_leads_to_its_new_clinic(client, lakeside):
    assert "Lakeside Clinic" in (await client.get("/c/lakeside")).text
    await client.patch("/api/clinics/1", json={"slug": "old-lakeside"}, headers=ADMIN)
    await create_clinic(client, name="Bergpraxis", slug="lakeside")
    assert "Bergpraxis" in (await client.get("/c/lakeside")).text


async def test_a_clinic_cannot_take_over_another_clinics_page_with_its_number(client, lakeside):
    await create_clinic(client, name="Bergpraxis")
    refusal = await client.patch("/api/clinics/2", json={"slug": "1"}, headers=ADMIN)
    assert (refusal.status_code, [fault["pointer"] for fault in refusal.json()["errors"]]) == (400, ["#/slug"])
    for base in ("c", "embed"):
        assert "Lakeside Clinic" in (await client.get(f"/{base}/1")).text


async def test_a_slug_may_contain_digits(client, lakeside):
    assert (await client.patch("/api/clinics/1", json={"slug": "10115-berlin"}, headers=ADMIN)).status_code == 200
    assert "Lakeside Clinic" in (await client.get("/c/10115-berlin")).text


async def test_search_engines_can_index_clinic_pages_but_not_booking_steps(client, lakeside):
    page = (await client.get("/c/lakeside")).text
    assert 'name="description"' in page
    assert "noindex" not in page
    assert "noindex" in (await client.get("/c/lakeside/times", params={"type": lakeside})).text


async def test_a_doctor_links_to_their_times_or_to_a_choice_of_types(client, lakeside):
    roy = await create_doctor(client, name="Dr Roy", appointmentTypeIds=[lakeside])
    both = await create_doctor(client, name="Dr Both")
    other = await create_appointment_type(client, name="Other")
    page = (await client.get("/c/lakeside")).text
    links = {name: unescape(link) for link, name in re.findall(r'<a href="([^"]+)"><strong>(Dr [^<]+)', page)}
    assert (links["Dr Roy"], links["Dr Both"]) == (
        f"/c/lakeside/times?type={lakeside}&doctor={roy}",
        f"/c/lakeside?doctor={both}",
    )
    page = unescape((await client.get(links["Dr Both"])).text)
    assert [f"/c/lakeside/times?type={type_id}&doctor={both}" in page for type_id in (lakeside, other)] == [True, True]
    page = unescape((await client.get(f"/c/lakeside?doctor={roy}")).text)
    assert [f"/c/lakeside/times?type={type_id}" in page for type_id in (lakeside, other)] == [True, False]


@pytest.mark.parametrize(("phone", "asks_to_call"), [("+493012345678", True), (None, False)])
async def test_a_clinic_without_online_booking_asks_patients_to_call_if_it_has_a_phone(client, phone, asks_to_call):
    await create_clinic(client, slug="new", phone=phone)
    page = (await client.get("/c/new")).text
    assert "Online booking is not available at this clinic yet." in page
    assert ("Please call to make an appointment." in page) == asks_to_call


@pytest.mark.parametrize("base", ["/c", "/embed"])
async def test_a_clinic_without_types_offers_an_appointment(client, village, base):
    page = await client.get(f"{base}/village")
    assert re.findall(rf'href="({base}/village/times[^"]*)">\s*<strong>([^<]+)', page.text)[0][1] == "An appointment"


@pytest.mark.parametrize("which", ["has a type", "has no doctors"])
async def test_other_clinics_do_not_offer_an_untyped_appointment(client, which, db):
    await create_clinic(client, slug="village")
    if which == "has a type":
        await create_doctor(client)
        await create_appointment_type(client)
    page = (await client.get("/c/village")).text
    assert "An appointment" not in page
    assert ("Online booking is not available at this clinic yet." in page) == (which == "has no doctors")
    assert (await client.get("/c/village/times")).headers["Location"] == "/c/village"
