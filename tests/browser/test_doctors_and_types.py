"""A manager adds, changes and retires doctors and appointment types."""

import re
from uuid import uuid4

import pytest
from playwright.async_api import expect

from support.browsers import api, follow
from support.lotus_lane import Practice, day_of_week, expect_notice, hours, staff_url


async def test_a_manager_adds_a_doctor_and_chooses_the_types_they_offer(site, manager_page):
    page, practice = manager_page, Practice(site)
    name = f"Dr {uuid4().hex[:8]}"
    await page.goto(staff_url(site, "doctors"))
    await follow(page.get_by_role("link", name="Add doctor"))
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_label("Specialty in your own words").fill("Sports medicine")
    await page.get_by_label(practice.type_name).check()
    await follow(page.get_by_role("button", name="Add"))
    await expect_notice(page, re.compile("Now set their working hours"))
    await expect(page.locator("h1")).to_have_text(name, use_inner_text=True)
    doctor_id = page.url.rpartition("/")[2]
    doctor = practice.api.get(f"/api/doctors/{doctor_id}").json()
    assert (doctor["specialty"], doctor["appointmentTypeIds"]) == ("Sports medicine", [practice.type])

    await page.goto(staff_url(site, f"doctors/{doctor_id}"))
    await page.get_by_label(practice.type_name).uncheck()
    await page.get_by_label("Email").fill("not an address")
    await page.locator("form[data-api^=PATCH]").evaluate("form => form.noValidate = true")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#email[aria-invalid=true]")).to_be_visible()
    await page.get_by_label("Email").fill("")
    await follow(page.get_by_role("button", name="Save"))
    await expect(page).to_have_url(staff_url(site, "doctors"))
    assert practice.api.get(f"/api/doctors/{doctor_id}").json()["appointmentTypeIds"] is None


async def test_only_a_doctor_without_upcoming_appointments_can_leave_and_return(site, manager_page):
    page, practice = manager_page, Practice(site, week={"monday": hours("09:00", "12:00")})
    appointment = f"/api/appointments/{practice.book(day_of_week(0), 9)['id']}"
    await page.goto(staff_url(site, f"doctors/{practice.doctor}"))
    await page.get_by_role("button", name="Mark as left").click()
    await expect(page.get_by_role("alert")).to_contain_text("Upcoming appointments with this doctor: 1.")
    etag = practice.api.get(appointment).headers["ETag"]
    assert practice.api.delete(appointment, headers={"If-Match": etag}).status_code == 204
    await follow(page.get_by_role("button", name="Mark as left"))
    await expect_notice(page, f"{practice.name} has been marked as left.")
    await follow(page.get_by_role("link", name="Former"))
    await follow(page.get_by_role("link", name=practice.name))
    await follow(page.get_by_role("button", name="Reactivate"))
    await expect(page).to_have_url(staff_url(site, f"hours/{practice.doctor}"))
    assert practice.api.get(f"/api/doctors/{practice.doctor}").json()["active"] is True


@pytest.mark.parametrize(
    ("typed_price", "price", "text"),
    [
        ("12,5", {"amount": 1250, "currency": "EUR"}, "€12.50"),
        ("1500", {"amount": 1500, "currency": "JPY"}, "¥1,500"),
        ("1.234", {"amount": 1234, "currency": "KWD"}, "KWD1.234"),
        ("0.29", {"amount": 29, "currency": "USD"}, "$0.29"),
    ],
)
async def test_a_price_is_saved_in_its_currencys_minor_unit(site, manager_page, typed_price, price, text):
    page, name = manager_page, f"Priced {uuid4().hex[:8]}"
    await page.goto(staff_url(site, "types/new"))
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_label("Price").fill(typed_price)
    await page.get_by_label("Currency").select_option(price["currency"])
    await follow(page.get_by_role("button", name="Add"))
    await expect(page).to_have_url(staff_url(site, "types"))
    row = page.get_by_role("row").filter(has_text=name)
    await expect(row).to_contain_text(text)
    await follow(row.get_by_role("link"))
    path = f"/api/appointmentTypes/{page.url.rpartition('/')[2]}"
    assert api(site).get(path).json()["price"] == price
    await page.get_by_label("Price").fill("")
    await follow(page.get_by_role("button", name="Save"))
    await expect(page).to_have_url(staff_url(site, "types"))
    assert api(site).get(path).json()["price"] is None


async def test_an_amount_with_too_many_decimals_for_its_currency_is_refused(site, manager_page):
    page = manager_page
    await page.goto(staff_url(site, "types/new"))
    await page.get_by_label("Currency").select_option("JPY")
    await page.get_by_label("Price").fill("12.50")
    fault = page.locator("#price-fault")
    await expect(fault).to_have_text("Enter an amount, such as 1250", use_inner_text=True)
    await page.get_by_label("Name", exact=True).fill("Never")
    await page.get_by_role("button", name="Add").click()
    await expect(page.locator("#amount")).to_be_focused()  # the browser's own response to an invalid form
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Never")
    await page.get_by_label("Price").fill("1250")
    await expect(fault).to_be_empty()


async def test_a_manager_stops_offering_a_type_and_offers_it_again(site, manager_page):
    page, practice = manager_page, Practice(site)
    await page.goto(staff_url(site, f"types/{practice.type}"))
    await page.get_by_label("Minutes", exact=True).fill("3")
    await page.locator("form.sections").evaluate("form => form.noValidate = true")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#minutes[aria-invalid=true]")).to_be_visible()
    await follow(page.get_by_role("button", name="Stop offering"))
    await expect_notice(page, "Appointment type no longer offered.")
    await follow(page.get_by_role("link", name="No longer offered"))
    await follow(page.get_by_role("link", name=practice.type_name))
    await follow(page.get_by_role("button", name="Reactivate"))
    await expect(page.get_by_text("Appointment type offered again.")).to_be_visible()


async def test_a_duplicate_type_name_is_marked_but_an_existing_one_can_be_saved(site, manager_page):
    page, practice = manager_page, Practice(site)
    await page.goto(staff_url(site, "types/new"))
    await page.get_by_label("Name", exact=True).fill(f" visit {practice.name} ")
    await expect(page.locator("#name-fault")).to_contain_text("Another appointment type already has this name.")
    await page.get_by_role("button", name="Add").click()
    await expect(page.locator("#name:invalid")).to_be_focused()  # the browser does not send an invalid form
    await expect(page).to_have_url(staff_url(site, "types/new"))
    await page.goto(staff_url(site, f"types/{practice.type}"))
    await follow(page.get_by_role("button", name="Save"))
    await expect(page).to_have_url(staff_url(site, "types"))
