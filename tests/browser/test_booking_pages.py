"""A patient finds a clinic, chooses a time and books: with and without scripts, by keyboard, on a phone, in every
language, and on a clinic's own site."""

import re
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.async_api import expect

from support import browsers
from support.browsers import AXE_LANGUAGES, faults_of, follow, follow_by_keyboard, tab_to

pytestmark = pytest.mark.anyio

BOOKED = re.compile(r"/appointments/apm_")


async def choose(page, site, *, clinic="spreebogen", type="Sprechstunde", doctor=None, day=0, time=0):
    """From the clinic's page to the form for a time."""
    await page.goto(f"{site.url}/c/{clinic}")
    await follow(page.get_by_role("link", name=re.compile(f"^{type}")))
    if doctor:
        await follow(page.get_by_role("link", name=doctor))
        await expect(page.get_by_role("link", name=doctor)).to_have_attribute("aria-current", "true")
    await follow(page.locator(".turn [rel=next]"))  # this month may have only one day left
    await expect(page).to_have_url(re.compile("month="))
    await follow(page.locator(".month a").nth(day))
    await expect(page).to_have_url(re.compile("date="))
    await follow(page.locator(".times a").nth(time))
    await expect(page.locator("#booking")).to_be_visible()


async def type_in(page, name="Ana Souza", email="ana@example.org", note="By wheelchair"):
    await page.locator("[name=name]").fill(name)
    await page.locator("[name=email]").fill(email)
    await page.locator("[name=note]").fill(note)


async def book(page):
    await follow(page.locator("#booking .submit button"))


async def is_booked(page):
    await expect(page).to_have_url(BOOKED)


async def test_a_patient_finds_a_clinic_and_books(site, page):
    await page.goto(site.url)
    await page.locator("#specialty").select_option("Haut- und Geschlechtskrankheiten")
    await follow(page.get_by_role("button", name="Search"))
    await expect(page.locator(".found li")).to_have_count(1)
    await follow(page.get_by_role("link", name="Praxis am Spreebogen"))
    await follow(page.get_by_role("link", name="Hautkrebs-Screening"))
    await follow(page.get_by_role("link", name="Dr. Emre Yıldız"))
    await expect(page.get_by_role("link", name="Dr. Emre Yıldız")).to_have_attribute("aria-current", "true")
    await follow(page.locator(".times a").first)
    await type_in(page)
    await book(page)
    await is_booked(page)
    await expect(page.locator("main")).to_contain_text("Dr. Emre Yıldız")


async def test_a_patient_books_without_scripts(site, browser):
    context, page, _ = await browsers.new_page(browser, java_script_enabled=False)
    await choose(page, site, day=1)
    await type_in(page, email="ana@")
    await page.locator("[name=email]").evaluate("field => field.form.noValidate = true")
    await book(page)
    await expect(page.locator("#email-fault")).to_contain_text("email address")
    await expect(page.locator("[name=note]")).to_have_value("By wheelchair")
    await page.locator("[name=email]").fill("ana@example.org")
    await book(page)
    await is_booked(page)
    await context.close()


async def test_a_patient_books_by_keyboard_alone(site, page):
    await page.goto(f"{site.url}/c/spreebogen")
    await follow_by_keyboard(page.get_by_role("link", name="Videosprechstunde"))
    await expect(page).to_have_url(re.compile(r"/times\?"))
    await follow_by_keyboard(page.locator(".turn [rel=next]"))
    await expect(page).to_have_url(re.compile("month="))
    await follow_by_keyboard(page.locator(".month a").nth(1))
    await expect(page).to_have_url(re.compile("date="))
    await follow_by_keyboard(page.locator(".times a").first)
    await expect(page).to_have_url(re.compile(r"/details\?"))
    await tab_to(page.get_by_label("Your name"))
    await page.keyboard.type("Ana Souza")
    await tab_to(page.get_by_label("Email address"))
    await page.keyboard.type("ana@example.org")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    await is_booked(page)


async def test_a_patient_books_on_a_small_phone_without_scrolling_sideways(site, browser):
    context, page, watched = await browsers.new_page(browser, "de", viewport={"width": 320, "height": 640})

    async def fits():
        assert await page.evaluate("document.documentElement.scrollWidth") == 320

    await page.goto(site.url)
    await fits()
    await page.goto(f"{site.url}/c/spreebogen")
    await fits()
    await follow(page.get_by_role("link", name="Kinderuntersuchung"))
    await fits()
    await follow(page.locator(".times a").first)
    await fits()
    await type_in(page)
    await book(page)
    await is_booked(page)
    await context.close()
    assert watched.complaints == []


async def test_of_two_who_want_one_time_one_gets_it_and_the_other_another_with_one_click(site, browser):
    (one, ana, ana_watched), (two, ben, _) = await browsers.new_page(browser), await browsers.new_page(browser)
    await choose(ana, site, doctor="Dr. Jana Müller", day=2, time=3)
    await ben.goto(ana.url)
    await type_in(ana)
    await type_in(ben, "Ben Acker", "ben@example.org", "")
    await ana.route("**/details/free?**", lambda route: route.abort())  # the script has not looked yet
    await book(ben)
    await is_booked(ben)
    await book(ana)
    await expect(ana.get_by_role("alert")).to_contain_text("That time is taken")
    await expect(ana.locator("[name=name]")).to_have_value("Ana Souza")
    await expect(ana.locator("[name=note]")).to_have_value("By wheelchair")
    assert await faults_of(ana) == []
    await follow(ana.locator("button[name=instead]").first)
    await is_booked(ana)
    for context in (one, two):
        await context.close()
    assert ana_watched.complaints == []


async def test_a_page_tells_that_the_time_has_gone_while_somebody_types(site, browser):
    (one, ana, watched), (two, ben, _) = await browsers.new_page(browser), await browsers.new_page(browser)
    await choose(ana, site, doctor="Dr. Jana Müller", day=2, time=3)
    await ben.goto(ana.url)
    await type_in(ana)
    await type_in(ben, "Ben Acker", "ben@example.org", "")
    await book(ben)
    await is_booked(ben)
    await ana.evaluate("dispatchEvent(new Event('focus'))")
    await expect(ana.get_by_role("alert")).to_contain_text("no longer available")
    await expect(ana.locator("#booking .submit")).to_be_hidden()
    await expect(ana.locator("[name=note]")).to_have_value("By wheelchair")
    async with ana.expect_navigation():
        await ana.locator("[name=name]").press("Enter")  # books nothing that was not chosen
    await expect(ana).to_have_url(re.compile("/details"))
    await expect(ana.get_by_role("alert")).to_be_visible()
    await follow(ana.locator("button[name=instead]").nth(1))
    await is_booked(ana)
    for context in (one, two):
        await context.close()
    assert watched.complaints == []


async def test_a_second_press_of_the_button_books_once(site, page):
    await choose(page, site, day=2, time=8)
    await type_in(page, email="twice@example.org")
    await page.locator("#booking .submit button").dblclick()
    await is_booked(page)
    with browsers.api(site) as api:
        (ana,) = api.get("/api/customers", params={"q": "twice@example.org"}).json()["items"]
        assert len(api.get(f"/api/customers/{ana['id']}/appointments").json()["items"]) == 1


@pytest.fixture(scope="module")
def village(site):
    """A clinic without appointment types, where two doctors have three slots each in a week and the day after; returns
    the address of its page."""
    with browsers.api(site) as api:
        clinic = api.post(
            "/api/clinics",
            json={"name": "Dorfpraxis", "timeZone": "Europe/Berlin", "slug": "dorf", "phone": "+493960412345"},
        ).json()["id"]
        day = datetime.now(UTC).replace(hour=8, minute=0, second=0, microsecond=0) + timedelta(days=7)
        for name in ("Dr. Elke Brandt", "Dr. Jonas Peters"):
            doctor = api.post(f"/api/clinics/{clinic}/doctors", json={"name": name}).json()["id"]
            for start, minutes in (
                (day, 30),
                (day + timedelta(minutes=30), 30),
                (day + timedelta(hours=1), 45),
                (day + timedelta(days=1), 60),
            ):
                times = {"startTime": start.isoformat(), "endTime": (start + timedelta(minutes=minutes)).isoformat()}
                assert api.post("/api/bookingSlots", json={"doctorId": doctor, **times}).status_code == 201
    return f"{site.url}/c/dorf"


async def choose_slot(page, address):
    """From the clinic's page to the form for the first slot, with anyone."""
    await page.goto(address)
    await follow(page.get_by_role("link", name="An appointment"))
    await expect(page).to_have_url(re.compile("/times"))
    await follow(page.locator(".times a").first)
    await expect(page.locator("#booking")).to_be_visible()


async def test_at_a_clinic_without_types_a_slot_is_booked_and_moved_also_when_it_goes_while_somebody_types(
    village, browser
):
    (one, ana, watched), (two, ben, _) = (
        await browsers.new_page(browser, viewport={"width": 320, "height": 640}),
        await browsers.new_page(browser),
    )
    await choose_slot(ana, village)
    await ben.goto(ana.url)
    await type_in(ana)
    await type_in(ben, "Ben Acker", "ben@example.org", "")
    await book(ben)
    await is_booked(ben)
    await ana.evaluate("dispatchEvent(new Event('focus'))")
    await expect(ana.get_by_role("alert")).to_contain_text("no longer available")
    assert await faults_of(ana) == []
    assert await ana.evaluate("document.documentElement.scrollWidth") == 320
    await follow(ana.locator("button[name=instead]").first)
    await is_booked(ana)
    whom = []
    for page in (ana, ben):
        await expect(page.locator(".facts")).to_contain_text(re.compile("Brandt|Peters"))
        whom.append(re.findall("Brandt|Peters", await page.locator(".facts").inner_text()))
    assert sorted(whom) == [["Brandt"], ["Peters"]]  # at the same time
    await follow(ana.get_by_role("link", name="Reschedule appointment"))
    await expect(ana.locator(".times")).to_be_visible()
    assert await faults_of(ana) == []
    assert await ana.evaluate("document.documentElement.scrollWidth") == 320
    longer = ana.locator(".times button").last
    await expect(longer.locator("time")).not_to_be_empty()
    hours = await longer.locator("time").inner_text()
    await follow(longer)
    await expect(ana).to_have_url(re.compile("moved=1"))
    await expect(ana.locator(".facts")).to_contain_text(hours)
    for context in (one, two):
        await context.close()
    assert watched.complaints == []


@pytest.mark.parametrize("base", ["/c/", "/embed/"])
async def test_a_slot_is_booked_without_scripts(village, browser, base):
    context, page, _ = await browsers.new_page(browser, java_script_enabled=False)
    await choose_slot(page, village.replace("/c/", base))
    await type_in(page)
    await book(page)
    await expect(page.get_by_role("heading", name="booked")).to_be_visible()
    await context.close()


async def test_who_is_in_another_zone_sees_their_own_time_too(site, browser):
    context, page, watched = await browsers.new_page(browser, timezone_id="America/New_York")
    await page.goto(f"{site.url}/c/lotus-lane")
    await follow(page.locator(".choices a").first)
    first = page.locator(".times li").first
    await expect(first.locator("small")).to_be_visible()
    start = await first.locator("time").get_attribute("datetime")
    theirs = await page.evaluate(
        "start => new Date(start).toLocaleTimeString('en', {hour: 'numeric', minute: '2-digit'})", start
    )
    await expect(first.locator("small")).to_contain_text(theirs)
    await expect(page.locator(".zone")).to_contain_text("Times are in the clinic’s time zone: India Time")
    await expect(page.locator(".zone")).to_contain_text("Eastern")
    await follow(first.locator("a"))
    await expect(page.locator(".summary")).to_contain_text(theirs)
    await context.close()
    assert watched.complaints == []


async def test_who_is_in_the_clinics_zone_sees_one_time(site, browser):
    context, page, _ = await browsers.new_page(browser, timezone_id="Europe/Vienna")
    await page.goto(f"{site.url}/c/spreebogen")
    await follow(page.locator(".choices a").first)
    await expect(page.locator(".times li").first).to_be_visible()
    await expect(page.locator(".times small")).to_have_count(0)
    await context.close()


@pytest.fixture
def other_site(site, tmp_path):
    """A clinic's own site, at another origin."""
    (tmp_path / "index.html").write_text(
        f'<!doctype html><html lang="de"><title>Praxis</title><h1>Unsere Praxis</h1><script src="{site.url}/embed.js" data-clinic="spreebogen" async></script><p>Ende</p>'
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}/"  # another site than 127.0.0.1
    server.shutdown()


async def test_booking_stands_in_a_clinics_own_site(site, browser, other_site):
    context, page, watched = await browsers.new_page(browser)
    await page.goto(other_site)
    frame = page.frame_locator("iframe")
    await expect(frame.get_by_role("link", name=re.compile("^Sprechstunde"))).to_be_visible()
    inside = next(each for each in page.frames if "/embed/" in each.url)
    await follow(frame.get_by_role("link", name=re.compile("^Sprechstunde")), inside)
    await follow(frame.locator(".turn [rel=next]"), inside)
    await follow(frame.locator(".month a").nth(1), inside)
    await expect(frame.get_by_role("heading", name="Zeit wählen")).to_be_visible()
    await page.wait_for_function(
        "height => document.querySelector('iframe').offsetHeight === height",
        arg=await inside.evaluate("Math.ceil(document.documentElement.getBoundingClientRect().height)"),
    )
    await follow(frame.locator(".times a").nth(10), inside)
    await frame.locator("[name=name]").fill("Ana Souza")
    await frame.locator("[name=email]").fill("ana@example.org")
    await follow(frame.locator("#booking .submit button"), inside)
    await expect(frame.get_by_role("heading", name="Ihr Termin ist gebucht.")).to_be_visible()
    async with context.expect_page() as opening:
        await frame.get_by_role("link", name="Ansehen, verschieben oder absagen").click()
    await expect(await opening.value).to_have_url(BOOKED)
    await expect(page.locator("iframe")).to_have_attribute("title", "Ihr Termin ist gebucht. · Appoint")
    await context.close()
    assert watched.complaints == []


@pytest.mark.parametrize("language", AXE_LANGUAGES)
async def test_nothing_serious_is_wrong_with_the_pages_in_any_language(site, browser, language):
    context, page, watched = await browsers.new_page(browser, language)
    for address in ("/", "/?q=nowhere", "/?specialty=Dermatology", "/c/spreebogen", "/c/nowhere", "/embed/spreebogen"):
        await page.goto(site.url + address)
        await expect(page.locator("html")).to_have_attribute("lang", language)
        assert await faults_of(page) == [], address
    await page.goto(f"{site.url}/c/spreebogen")
    await follow(page.locator(".choices a").first)
    assert await faults_of(page) == []
    await follow(page.locator(".times a").first)
    assert await faults_of(page) == []
    await page.locator("#booking").evaluate("form => form.noValidate = true")
    await book(page)
    await expect(page.locator("#email-fault")).not_to_be_empty()
    assert await faults_of(page) == []
    await context.close()
    assert watched.complaints == []
