"""Staff add absences, reschedule the affected appointments, and close the whole clinic."""

from datetime import UTC, datetime, timedelta

from playwright.async_api import expect

from support.browsers import api, expect_accessible, follow, open_page, sign_in
from support.lotus_lane import CLINIC, RECEPTION, Practice, at, day_of_week, expect_notice, hours, staff_url


async def test_appointments_during_an_absence_are_rescheduled_with_one_click(site, manager_page):
    page = manager_page
    practice = Practice(site, week={"monday": hours("09:00", "12:00"), "tuesday": hours("09:00", "12:00")})
    monday = day_of_week(0)
    ila, tara = practice.book(monday, 9, name="Ila Bose"), practice.book(monday, 10, name="Tara Roy")
    cards = page.locator("#to-move > li")
    check = page.get_by_role("button", name="Check for conflicts")

    await page.goto(staff_url(site, "absences"))
    await follow(page.get_by_role("link", name="Add absence").first)
    await page.get_by_label("Who").select_option(practice.doctor)
    await page.get_by_label("First day").fill(str(monday))
    await page.get_by_label("Last day").fill(str(monday - timedelta(days=1)))
    await follow(check)
    await expect(page.locator("#until-fault")).not_to_be_empty()
    await page.get_by_label("Last day").fill("")
    await follow(check)
    await expect(page.get_by_role("heading", name="Affected appointments")).to_be_visible()
    await expect_accessible(page)
    await expect(cards.locator("h3")).to_have_text(["Ila Bose", "Tara Roy"], use_inner_text=True)

    await page.get_by_label("Reason").fill("Wedding")
    offer = cards.filter(has_text="Tara Roy").get_by_role("button").first
    await expect(offer).to_contain_text("Tue", use_inner_text=True)
    await follow(offer)
    await expect_notice(page, "Tara Roy: appointment rescheduled. They will be notified.")
    await expect(cards.locator("h3")).to_have_text(["Ila Bose"], use_inner_text=True)
    assert practice.appointment(tara["id"])["startTime"] != tara["startTime"]

    await expect(page.get_by_label("Reason")).to_have_value("Wedding")
    await follow(page.get_by_role("button", name="Add absence and keep for rebooking"))
    await expect(page).to_have_url(staff_url(site, "absences/rebook"))
    assert practice.appointment(ila["id"])["needsRebooking"] is True
    card = cards.filter(has_text=practice.name)
    await follow(card.get_by_role("button").first)
    await expect(page.get_by_text("Ila Bose: appointment rescheduled. They will be notified.")).to_be_visible()
    await expect(card).to_have_count(0)
    assert practice.appointment(ila["id"])["needsRebooking"] is False

    await page.goto(staff_url(site, "absences"))
    row = page.get_by_role("row").filter(has_text=practice.name)
    await expect(row).to_contain_text("Wedding", use_inner_text=True)
    await follow(row.get_by_role("button", name="Remove"))
    await expect(page.get_by_text("Absence removed")).to_be_visible()
    await expect(row).to_have_count(0)


async def test_a_doctors_bad_morning_is_handled_with_one_button_and_can_be_undone(site, manager_page):
    page = manager_page
    practice = Practice(site, week={"monday": hours("09:00", "12:00"), "tuesday": hours("09:00", "12:00")})
    monday = day_of_week(0)
    booked = [practice.book(monday, hour, name=f"Patient {hour}") for hour in (9, 10, 11)]
    away = {"doctorId": practice.doctor, "startTime": at(monday, 9), "endTime": at(monday, 12)}
    practice.post(f"/api/clinics/{CLINIC}/absences?force=true", away)
    to_do, asked = page.locator("#to-move > li"), page.locator("#asked-list > li")

    await page.goto(staff_url(site, f"absences/rebook?doctor={practice.doctor}"))
    await expect(to_do).to_have_count(3)
    await expect_accessible(page)
    offers = await to_do.locator(".times button").all_inner_texts()
    assert len(set(offers)) == len(offers) > 3
    await follow(page.get_by_role("button", name="Move all to the suggested times"))
    await expect_notice(page, "Rescheduled: 3. The patients will be notified.")
    await expect(to_do).to_have_count(0)
    await follow(page.get_by_role("button", name="Undo"))
    await expect_notice(page, "Undone.")
    await expect(to_do).to_have_count(3)
    assert [practice.appointment(each["id"])["startTime"] for each in booked] == [each["startTime"] for each in booked]

    await follow(page.get_by_role("button", name="Put everyone on the call list"))
    await expect(page.locator("#to-call-list > li")).to_have_count(3)
    await follow(page.locator("#to-call-list > li").first.get_by_role("button").first)
    await expect(page.locator("#to-call-list > li")).to_have_count(2)
    await expect(asked).to_have_count(0)


async def test_the_rest_of_an_ill_doctors_day_is_blocked_in_three_clicks(site, manager_page):
    practice = Practice(site)
    await manager_page.goto(staff_url(site, "absences"))
    await manager_page.get_by_label("Ill today:").select_option(practice.name)
    await follow(manager_page.get_by_role("button", name="Block the rest of today"))
    await expect(manager_page).to_have_url(staff_url(site, f"absences/rebook?doctor={practice.doctor}"))
    await expect(manager_page.get_by_text("Nothing to rebook.")).to_be_visible()
    absences = practice.api.get(f"/api/clinics/{CLINIC}/absences?doctorId={practice.doctor}").json()["items"]
    assert [each["reason"] for each in absences if each["doctorId"] == practice.doctor] == ["Ill"]


async def test_the_whole_clinic_closes_only_when_chosen(site, manager_page):
    page, client = manager_page, api(site)
    day = datetime.now(UTC).date() + timedelta(days=300)
    check = page.get_by_role("button", name="Check for conflicts")
    await page.goto(staff_url(site, "absences/new"))
    await page.get_by_label("First day").fill(str(day))
    await check.click()
    await expect(page.locator("#doctor:invalid")).to_be_focused()
    await page.get_by_label("Who").select_option("Whole clinic closed")
    await follow(check)
    await expect(page.get_by_text("No conflicts.")).to_be_visible()
    await follow(page.get_by_role("button", name="Add absence"))
    await expect(page).to_have_url(staff_url(site, "absences"))
    absences = client.get(f"/api/clinics/{CLINIC}/absences?limit=200").json()["items"]
    (absence,) = [
        each for each in absences if each["doctorId"] is None and each["startTime"] > str(day - timedelta(days=2))
    ]
    assert client.delete(f"/api/absences/{absence['id']}", headers={"If-Match": "*"}).status_code == 204


async def test_the_fields_in_a_row_are_aligned(site, manager_page):
    await manager_page.goto(staff_url(site, "absences/new"))
    await expect(manager_page.locator("#at")).to_be_visible()
    tops = [(await manager_page.locator(f"#{name}").bounding_box())["y"] for name in ("from", "at")]
    assert tops[0] == tops[1]


async def test_an_absences_times_are_in_the_clinics_time_zone_everywhere(site, browser):
    practice = Practice(site, week={"wednesday": hours("09:00", "12:00")})
    wednesday = day_of_week(2)
    async with open_page(browser, timezone_id="America/Los_Angeles") as page:
        await sign_in(page, site.url, RECEPTION)
        await page.goto(staff_url(site, f"absences/new?doctor={practice.doctor}"))
        await page.get_by_label("First day").fill(str(wednesday))
        await page.get_by_label("From").fill("10:00")
        await page.get_by_label("Until").fill("11:00")
        await follow(page.get_by_role("button", name="Check for conflicts"))
        await expect(page.get_by_text("No conflicts.")).to_be_visible()
        await follow(page.get_by_role("button", name="Add absence"))
        await expect(page).to_have_url(staff_url(site, "absences"))
        row = page.get_by_role("row").filter(has_text=practice.name)
        await expect(row).to_contain_text("10:00 – 11:00 AM", use_inner_text=True)
    absences = practice.api.get(f"/api/clinics/{CLINIC}/absences?limit=200").json()["items"]
    (absence,) = [each for each in absences if each["doctorId"] == practice.doctor]
    for name, hour in (("startTime", 10), ("endTime", 11)):
        assert datetime.fromisoformat(absence[name]) == datetime.fromisoformat(at(wednesday, hour))
