"""Several appointments, or appointments for several people, in one visit: one form, one code, one booking."""

import re
from datetime import timedelta
from html import unescape

import pytest

from support.app import ADMIN
from support.booking_pages import DAY, NINE, TEN, form_of, links_to_details, send, slot_query, utc
from support.confirm_pages import enter
from support.confirmation import ALWAYS, code_for
from support.patient_pages import cookies_of

LATER = DAY + timedelta(hours=1)


def also(type: str, start=DAY) -> str:
    """Return the part of a URL that stands for a time that the visitor has already chosen."""
    return f"{type}__{utc(start)}__"


async def open_form(client, type: str, *, base: str = "/c/lakeside", **query: str):
    page = await client.get(f"{base}/details", params={"type": type, "start": utc(LATER), **query})
    assert page.status_code == 200
    return page


def typed(page, *fields: str) -> list[str]:
    """Return the values that a form already contains."""
    inputs = [re.search(f'<input[^>]* name="{field}"[^>]*>', page.text).group() for field in fields]
    return [value.group(1) if (value := re.search(' value="([^"]*)"', text)) else "" for text in inputs]


async def booked(db):
    return [
        tuple(row)
        for row in await db.fetch(
            """
            select c.name, lower(a.during), a.status, b.name as booker
              from appointment a
              join customer c on c.id = a.customer_id
              left join customer b on b.id = a.booker_id
             where a.booking_id = (select booking_id from appointment order by created_at limit 1)
             order by a.position
            """
        )
    ]


async def test_the_form_leads_to_further_times_and_keeps_the_chosen_ones(client, lakeside):
    page = await open_form(client, lakeside)
    (next_page,) = re.findall(r'href="(/c/lakeside\?also=[^"]+)"', page.text)
    clinic = await client.get(unescape(next_page))
    assert "You have already chosen:" in clinic.text
    times, *_ = re.findall(r'href="(/c/lakeside/times\?[^"]+)"', clinic.text)
    offered = links_to_details(await client.get(unescape(times)))
    assert {query["also"][0] for query in offered} == {also(lakeside, LATER)}


@pytest.mark.parametrize("base", ["/c/lakeside", "/embed/lakeside"])
async def test_one_form_books_several_appointments_for_one_person(client, db, lakeside, base):
    page = await open_form(client, lakeside, base=base, also=also(lakeside))
    assert "Also in this visit" in page.text
    assert (await send(client, form_of(page))).status_code == 303
    assert await booked(db) == [("Ana Souza", LATER, "booked", None), ("Ana Souza", DAY, "booked", None)]


async def test_one_form_books_for_several_people_who_share_the_bookers_address(client, db, lakeside):
    page = await open_form(client, lakeside, also=also(lakeside))
    assert (await send(client, form_of(page), name1="Ben Souza")).status_code == 303
    assert await booked(db) == [("Ana Souza", LATER, "booked", "Ana Souza"), ("Ben Souza", DAY, "booked", "Ana Souza")]
    assert await db.fetchval("select count(*) from customer where email = 'ana@example.org'") == 2


async def test_one_code_confirms_all_and_the_page_shows_them(client, db, lakeside):
    await client.patch("/api/clinics/1", json={"policy": ALWAYS}, headers=ADMIN)
    page = await open_form(client, lakeside, also=also(lakeside))
    response = await send(client, form_of(page), name1="Ben Souza")
    code_page = await client.get(response.headers["Location"])
    assert "Also in this visit" in code_page.text
    booking = {"bookingId": str(await db.fetchval("select booking_id from confirmation_code"))}
    done = await enter(client, response.headers["Location"], code_for(booking))
    assert [row[2] for row in await booked(db)] == ["booked", "booked"]
    address = done.headers["Location"]
    own = (await client.get(address, headers=cookies_of(response))).text
    assert len(re.findall(r'<a href="/appointments/apm_[^"/]+">Check-up', own)) == 1
    client.cookies.clear()
    assert "Also in this visit" not in (await client.get(address)).text


async def test_a_refused_time_is_named_and_nothing_is_booked(client, db, lakeside):
    page = await open_form(client, lakeside, also=also(lakeside))
    await send(client, form_of(await client.get("/c/lakeside/details", params={"type": lakeside, "start": utc(DAY)})))
    refused = await send(client, form_of(page), email="ben@example.org", name="Ben")
    assert refused.status_code == 409
    assert re.search(r"Check-up, [^<]+8:00[^<]*: This time is no longer available", refused.text)
    assert await db.fetchval("select count(*) from appointment") == 1


async def test_a_further_persons_details_are_checked(client, db, lakeside):
    await client.patch(f"/api/appointmentTypes/{lakeside}", json={"maxAge": 14}, headers=ADMIN)
    page = await open_form(client, lakeside, also=also(lakeside))
    refused = await send(client, form_of(page), birthDate="2020-02-01", name1="Ben")
    assert re.findall(r'<span class="fault" id="(\w+)-fault">.+</span>', refused.text) == ["birthDate1"]
    assert await db.fetchval("select count(*) from customer") == 0


async def test_a_chosen_time_can_be_removed_and_unreadable_ones_are_ignored(client, lakeside):
    page = await open_form(client, lakeside, also=f"{also(lakeside)},x_y,")
    (remove,) = re.findall(r'href="([^"]+)">Remove', page.text)
    assert "Also in this visit" not in (await client.get(unescape(remove))).text


async def test_whole_slots_can_be_booked_together_too(client, db, village):
    others = f"__{utc(NINE)}_{utc(NINE + timedelta(minutes=30))}_{village['shah']}"
    query = slot_query(village["shah"], TEN, TEN + timedelta(hours=3), also=others)
    page = await client.get("/c/village/details", params=query)
    assert (await send(client, form_of(page))).status_code == 303
    assert [row[1] for row in await booked(db)] == [TEN, NINE]


async def test_the_details_of_several_holds_can_be_changed_together(client, db, lakeside):
    await client.patch("/api/clinics/1", json={"policy": ALWAYS}, headers=ADMIN)
    form = form_of(await open_form(client, lakeside, also=also(lakeside)))
    code_page = await client.get((await send(client, form, email="wrong@example.org")).headers["Location"])
    (details,) = re.findall(r'href="([^"]+)">Change your details', code_page.text)
    client.cookies.clear()
    page = await client.get(unescape(details))
    assert ("Also in this visit" in page.text, "no longer available" in page.text) == (True, False)
    assert "Add another appointment" not in page.text
    assert typed(page, "email") == ["wrong@example.org"]
    assert (await send(client, form_of(page), email="ana@example.org")).status_code == 303
    statuses = await db.fetchval("select array_agg(status order by created_at) from appointment")
    assert statuses == ["cancelled", "cancelled", "pending", "pending"]


async def test_the_form_for_changing_details_contains_what_each_person_typed(client, db, lakeside):
    await client.patch("/api/clinics/1", json={"policy": ALWAYS}, headers=ADMIN)
    form = form_of(await open_form(client, lakeside, also=also(lakeside)))
    sent = await send(client, form, email="ana@example.org", note="By wheelchair", name1="Ben")
    code_page = await client.get(sent.headers["Location"])
    (details,) = re.findall(r'href="([^"]+)">Change your details', code_page.text)
    page, fields = await client.get(unescape(details)), ("name", "email", "name1")
    assert typed(page, *fields) == ["Ana Souza", "ana@example.org", "Ben"]
    assert ">By wheelchair</textarea>" in page.text
    await db.execute("update customer set created_at = created_at - interval '1 day'")
    assert typed(await client.get(unescape(details)), *fields) == [""] * 3


async def test_one_of_several_holds_can_be_removed(client, db, lakeside):
    await client.patch("/api/clinics/1", json={"policy": ALWAYS}, headers=ADMIN)
    form = form_of(await open_form(client, lakeside, also=also(lakeside)))
    code_page = await client.get((await send(client, form)).headers["Location"])
    (details,) = re.findall(r'href="([^"]+)">Change your details', code_page.text)
    (remove,) = re.findall(r'href="([^"]+)">Remove', (await client.get(unescape(details))).text)
    assert (await send(client, form_of(await client.get(unescape(remove))))).status_code == 303
    rows = await db.fetch("select lower(during) as start from appointment where status = 'pending'")
    assert [row.start for row in rows] == [LATER]
