"""Booking pages embedded in a clinic's own site."""

import re

from support.booking_pages import DAY, open_form, send, utc
from support.calls import switch_video_visits_off


def frame_ancestors(page) -> str:
    return re.search(r"frame-ancestors ([^;]+)", page.headers["Content-Security-Policy"]).group(1)


async def test_other_sites_can_frame_only_the_embedded_booking_pages(client, lakeside):
    steps = ["", f"/times?type={lakeside}", f"/details?type={lakeside}&start={utc(DAY)}"]
    assert {frame_ancestors(await client.get(f"/embed/lakeside{step}")) for step in steps} == {"*"}
    assert {frame_ancestors(await client.get(f"/c/lakeside{step}")) for step in steps} == {"'none'"}
    sent = await send(client, await open_form(client, lakeside, base="/embed/lakeside", lang="de"))
    response = await client.get(sent.headers["Location"])
    assert (response.status_code, frame_ancestors(response)) == (200, "*")
    link = re.search(r'href="(/appointments/apm_[^"]+)" target="_blank"', response.text).group(1)
    assert frame_ancestors(await client.get(link)) == "'none'"


async def test_the_embedded_confirmation_of_a_video_visit_links_to_the_waiting_room(client, db, lakeside):
    sent = await send(client, await open_form(client, lakeside, base="/embed/lakeside"))
    assert "/join/" not in (await client.get(sent.headers["Location"])).text
    await db.execute("update appointment_type set mode = 'online', version = version + 1")
    page = (await client.get(sent.headers["Location"])).text
    assert re.search(r'<a href="/join/[^"]+" target="_blank" rel="noopener">Join the video visit', page)
    assert "The waiting room opens on" in page


async def test_the_embedded_confirmation_says_when_a_visit_no_longer_takes_place_by_video(client, db, lakeside):
    await db.execute("update appointment_type set mode = 'online', preparation = 'A quiet room', version = version + 1")
    sent = await send(client, await open_form(client, lakeside, base="/embed/lakeside"))
    await switch_video_visits_off(db, client)
    page = (await client.get(sent.headers["Location"])).text
    assert "Your appointment doesn’t take place by video" in page
    wrong = ("online, not at the clinic", "/join/", "How to join", "What to bring", "Am See 1")
    assert [text for text in wrong if text in page] == []


async def test_an_embedded_form_sent_again_shows_the_same_booking(client, db, lakeside):
    form = await open_form(client, lakeside, base="/embed/lakeside")
    first, second = await send(client, form), await send(client, form)
    assert (first.status_code, first.headers["Location"]) == (303, second.headers["Location"])
    assert await db.fetchval("select count(*) from appointment") == 1


async def test_an_embedded_page_passes_on_its_language_and_has_no_header(client, lakeside):
    page = await client.get("/embed/lakeside?lang=de", headers={"Accept-Language": "fr"})
    assert "Was möchten Sie buchen?" in page.text
    assert "<header" not in page.text
    assert "Set-Cookie" not in page.headers
    assert all("lang=de" in href for href in re.findall(r'href="(/embed/[^"]+)"', page.text))


async def test_the_embed_script_has_a_stable_address_and_is_cached_for_an_hour(client):
    script = await client.get("/embed.js")
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert script.headers["Cache-Control"] == "public, max-age=3600"
