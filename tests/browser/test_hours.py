"""Managers edit weekly hours and time slots, which publishes them. Doctors edit their own hours."""

from datetime import timedelta

from playwright.async_api import expect

from support.browsers import api, expect_accessible, follow, sign_in
from support.lotus_lane import CLINIC, DOCTOR, Practice, at, day_of_week, expect_notice, hours, staff_url


async def test_overlapping_time_slots_are_refused_and_the_field_is_marked(site, manager_page):
    page = manager_page
    await page.goto(staff_url(site, "hours/time-slots/new"))
    await page.get_by_label("Name").fill("Late")
    await page.get_by_label("From").fill("19:00")
    await page.get_by_label("Until").fill("00:00")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#startTime[aria-invalid=true]")).to_be_visible()
    await expect(page.locator("#startTime-fault")).to_contain_text("another time slot")
    await page.get_by_label("From").fill("21:00")
    await follow(page.get_by_role("button", name="Save"))
    await expect(page).to_have_url(staff_url(site, "hours"))
    slots = api(site).get(f"/api/clinics/{CLINIC}/timeslots").json()["items"]
    assert [(slot["startTime"], slot["endTime"]) for slot in slots if slot["name"] == "Late"] == [("21:00", "24:00")]
    await follow(page.get_by_role("link", name="Late"))
    await expect(page.get_by_label("Until")).to_have_value("00:00")
    await page.goto(staff_url(site, "hours"))
    await follow(page.get_by_role("button", name="Remove – Late"))
    await expect_notice(page, "Removed.")
    await expect(page.get_by_role("link", name="Late")).to_have_count(0)


async def test_a_time_slot_that_ends_before_it_starts_is_refused(site, manager_page):
    page = manager_page
    await page.goto(staff_url(site, "hours/time-slots/new"))
    await page.locator("#startTime").fill("22:00")
    await page.locator("#endTime").fill("02:00")
    await page.locator("main form button").first.click()
    fault = page.locator("#endTime-fault, [data-row] .fault").get_by_text("must be after the start")
    await expect(fault).to_be_visible()


async def test_a_week_is_edited_copied_and_published_by_saving_it(site, manager_page):
    page, practice = manager_page, Practice(site)
    await page.goto(staff_url(site, f"hours/{practice.doctor}"))
    monday = page.locator("[data-day=monday]")
    await monday.get_by_role("button", name="Add hours").click()
    await monday.get_by_label("From").fill("09:00")
    await monday.get_by_label("Until").fill("12:00")
    await monday.get_by_role("button", name="Add hours").click()
    await monday.get_by_label("Time slot").nth(1).select_option(label="Evening OPD")
    await expect(monday.get_by_label("From").nth(1)).to_have_value("17:00")
    await monday.get_by_label("Copy Monday to").select_option("wednesday")
    await page.locator("[data-day=wednesday]").get_by_role("button", name="Remove").nth(0).click()
    await follow(page.get_by_role("button", name="Save hours"))
    await expect(page).to_have_url(staff_url(site, "hours"))
    await expect_notice(page, "Saved. Patients can book these hours from now on.")
    week = {
        day: [(each["startTime"], each["endTime"], bool(each["timeSlotId"])) for each in lines]
        for day, lines in practice.schedule()["weekly"].items()
        if lines
    }
    assert week == {
        "monday": [("09:00", "12:00", False), ("17:00", "20:00", True)],
        "wednesday": [("17:00", "20:00", True)],
    }
    assert len(practice.slot_starts()) >= 9


async def test_hours_saved_through_the_api_are_published_after_a_look_at_the_changes(site, manager_page):
    page, practice = manager_page, Practice(site)
    schedule = f"/api/doctors/{practice.doctor}/schedule"
    etag = practice.api.get(schedule).headers["ETag"]
    week = {"weekly": {"monday": hours("09:00", "12:00")}}
    assert practice.api.put(schedule, json=week, headers={"If-Match": etag}).status_code == 200
    await page.goto(staff_url(site, "hours"))
    await follow(page.get_by_role("link", name="Check and publish"))
    await expect(page.locator("#days .comes").get_by_text("9:00 AM – 12:00 PM").first).to_be_visible()
    await follow(page.get_by_role("button", name="Publish"))
    assert len(practice.slot_starts()) >= 3
    await page.goto(staff_url(site, "hours"))
    await expect(page.get_by_role("link", name="Check and publish")).to_have_count(0)


async def test_overlapping_hours_are_marked_in_their_row(site, manager_page):
    page, practice = manager_page, Practice(site)
    await page.goto(staff_url(site, f"hours/{practice.doctor}"))
    tuesday = page.locator("[data-day=tuesday]")
    for start, end in (("09:00", "12:00"), ("11:00", "13:00")):
        await tuesday.get_by_role("button", name="Add hours").click()
        await tuesday.get_by_label("From").last.fill(start)
        await tuesday.get_by_label("Until").last.fill(end)
    await page.get_by_role("button", name="Save hours").click()
    await expect(tuesday.locator(".fault").nth(1)).to_contain_text("overlaps other hours on that day")
    await expect(tuesday.get_by_label("Until").last).to_have_value("13:00")


async def test_hours_that_affect_an_appointment_are_saved_only_after_a_decision(site, manager_page):
    page = manager_page
    practice = Practice(site, week={"monday": hours("09:00", "12:00"), "tuesday": hours("09:00", "12:00")})
    monday = day_of_week(0)
    practice.book(monday, 9, name="Ila Bose")
    slots, schedule = practice.slot_starts(), practice.schedule()
    await page.goto(staff_url(site, f"hours/{practice.doctor}"))
    monday_start = page.locator("[data-day=monday]").get_by_label("From")
    friday = page.locator("[data-day=friday]")
    await monday_start.fill("10:00")
    await friday.get_by_role("button", name="Add hours").click()
    await friday.get_by_label("From").fill("14:00")
    await friday.get_by_label("Until").fill("16:00")
    await page.get_by_role("button", name="Save hours").click()
    await expect(page.get_by_role("heading", name="This affects 1 appointment")).to_be_visible()
    await page.get_by_text("Day by day").first.click()
    row = page.locator("#days tr").filter(has_text=f"{monday:%b} {monday.day}")
    await expect(row.locator(".goes")).to_have_text("9:00 AM – 12:00 PM", use_inner_text=True)
    await expect(row.locator(".comes")).to_have_text("10:00 AM – 12:00 PM", use_inner_text=True)
    stranded = page.locator("#stranded tbody tr")
    await expect(stranded.locator("th")).to_have_text("Ila Bose", use_inner_text=True)
    await expect(stranded.get_by_role("link")).to_have_attribute("href", f"/staff/{CLINIC}/day?date={monday}")
    await expect_accessible(page)
    await page.get_by_role("button", name="Go back to the hours").click()
    assert (practice.slot_starts(), practice.schedule()) == (slots, schedule)
    await expect(monday_start).to_have_value("10:00")

    await friday.get_by_label("Until").fill("17:00")
    await page.get_by_role("button", name="Save hours").click()
    await follow(page.get_by_role("button", name="Save, and list them for rebooking"))
    await expect(page).to_have_url(staff_url(site, "absences/rebook"))
    assert at(day_of_week(4), 14)[:16] in [start[:16] for start in practice.slot_starts()]
    await page.goto(staff_url(site, f"hours/changes/{practice.doctor}"))
    await expect(page.get_by_text("Everything is published")).to_be_visible()


async def test_hours_valid_for_a_limited_time_are_added_copied_and_removed(site, manager_page):
    page, practice = manager_page, Practice(site, week={"monday": hours("09:00", "12:00")})
    await page.goto(staff_url(site, f"hours/line/{practice.doctor}"))
    await page.get_by_label("Weekday").select_option("saturday")
    await page.get_by_label("From", exact=True).fill("10:00")
    await page.get_by_label("Until", exact=True).fill("13:00")
    await page.get_by_label("Valid from").fill(str(day_of_week(0)))
    await page.get_by_label("Valid until").fill(str(day_of_week(0) - timedelta(days=1)))
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#validUntil[aria-invalid=true]")).to_be_visible()
    await page.get_by_label("Valid until").fill(str(day_of_week(6)))
    await follow(page.get_by_role("button", name="Save"))
    await expect(page).to_have_url(staff_url(site, f"hours/{practice.doctor}"))
    assert at(day_of_week(5), 10)[:16] in [start[:16] for start in practice.slot_starts()]
    await expect(page.get_by_text("Saving this week replaces other hours")).to_be_visible()
    saturday = page.get_by_role("row").filter(has_text="Saturday")
    await follow(saturday.get_by_role("link", name="Copy"))
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#weekday[aria-invalid=true]")).to_be_visible()

    await page.goto(staff_url(site, f"hours/{practice.doctor}"))
    await follow(saturday.get_by_role("button", name="Remove"))
    await expect_notice(page, "Removed.")
    await expect(saturday).to_have_count(0)
    assert at(day_of_week(5), 10)[:16] not in [start[:16] for start in practice.slot_starts()]


async def test_a_doctor_sees_and_changes_only_their_own_hours(site, page):
    await sign_in(page, site.url, DOCTOR)
    await page.goto(staff_url(site, "hours"))
    weeks = page.locator("table.weeks")
    await expect(weeks.locator("tbody th")).to_have_text(["Dr. Vikram Iyer"], use_inner_text=True)
    await expect(page.get_by_role("heading", name="Time slots")).to_have_count(0)
    await follow(weeks.get_by_role("link", name="Dr. Vikram Iyer"))
    await expect(page.get_by_role("button", name="Save hours")).to_have_count(1)
    other = Practice(site).doctor
    for path in (f"hours/{other}", f"hours/line/{other}", f"hours/changes/{other}", "hours/time-slots/new"):
        assert (await page.goto(staff_url(site, path))).status == 403
    await page.goto(staff_url(site, f"absences/new?doctor={other}&from={day_of_week(0)}"))
    await expect(page.locator("main h2").first).to_contain_text("Dr. Vikram Iyer", use_inner_text=True)
