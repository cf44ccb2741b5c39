"""Staff set up their clinic by pages: what it says of itself, doctors, appointment types, hours and absences.

Doctors and types are the tests' own, at the third clinic of the demo world, which insists on versions.
"""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from support import browsers
from support.app import TOKEN
from support.browsers import AXE_LANGUAGES, api, faults_of, sign_in

pytestmark = pytest.mark.anyio

CLINIC = 3
ZONE = timedelta(hours=5, minutes=30)
"""Kolkata is always that far ahead."""
MANAGER, RECEPTION, DOCTOR = (
    "manager@lotuslane.example.net",
    "reception@lotuslane.example.net",
    "iyer@lotuslane.example.net",
)


def coming(weekday: int) -> date:
    """A date of the third week from now, in which the clinic has no holiday; Monday is 0."""
    today = datetime.now(UTC).date()
    return today + timedelta(days=21 - today.weekday() + weekday)


def at(day: date, hour: int, minute: int = 0) -> str:
    """A wall time of the clinic as the API takes it."""
    return (datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC) - ZONE).isoformat()


class Practice:
    """A doctor of one's own, with a type that nobody else offers."""

    def __init__(self, site, *, week=None, offers=True):
        self.api = api(site)
        self.name = f"Dr {uuid4().hex[:8]}"
        self.type = (
            self.made(f"/api/clinics/{CLINIC}/appointmentTypes", {"name": f"Visit {self.name}", "minutes": 20})["id"]
            if offers
            else None
        )
        self.doctor = self.made(
            f"/api/clinics/{CLINIC}/doctors", {"name": self.name, "appointmentTypeIds": [self.type] if offers else None}
        )["id"]
        if week:
            etag = self.api.get(f"/api/doctors/{self.doctor}/schedule").headers["ETag"]
            answer = self.api.put(
                f"/api/doctors/{self.doctor}/schedule", json={"weekly": week}, headers={"If-Match": etag}
            )
            assert answer.status_code == 200, answer.text
            self.made(
                "/api/availability/createBookingSlots",
                {
                    "clinicId": CLINIC,
                    "doctorId": self.doctor,
                    "from": str(coming(0) - timedelta(days=7)),
                    "to": str(coming(6) + timedelta(days=7)),
                },
            )

    def made(self, path, body):
        answer = self.api.post(path, json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def book(self, day, hour, minute=0, name="Asha Sen"):
        customer = self.made("/api/customers", {"name": name})["id"]
        return self.made(
            "/api/appointments",
            {
                "customerId": customer,
                "doctorId": self.doctor,
                "appointmentTypeId": self.type,
                "startTime": at(day, hour, minute),
            },
        )

    def slots(self):
        return [
            slot["startTime"]
            for slot in self.api.get(f"/api/doctors/{self.doctor}/bookingSlots?limit=200").json()["items"]
        ]


def hours(start, end):
    return [{"startTime": start, "endTime": end}]


@pytest.fixture
async def staff(site, page):
    """Signed in as the clinic's manager."""
    await sign_in(page, site.url, MANAGER)
    page.on("dialog", lambda dialog: dialog.accept())
    return page


def place(site, path=""):
    return f"{site.url}/staff/{CLINIC}/{path}"


async def told(page):
    """What a form has said on the next page."""
    return await page.locator(".notice.good[role=status]").inner_text()


async def test_a_manager_changes_what_the_clinic_asks_of_bookings(site, staff):
    await staff.goto(place(site, "clinic"))
    await staff.get_by_label("Minimum notice for changes").fill("2")
    await staff.locator("[id='policy.cancelNoticeMinutes-unit']").select_option("1440")
    await staff.get_by_label("7 days").check()
    await staff.get_by_role("button", name="Save").click()
    assert await told(staff) == "Saved."
    clinic = api(site).get(f"/api/clinics/{CLINIC}").json()
    assert (clinic["policy"]["cancelNoticeMinutes"], 10080 in clinic["notifications"]["reminderMinutes"]) == (
        2880,
        True,
    )
    assert await staff.get_by_label("Minimum notice for changes").input_value() == "2"
    await staff.get_by_label("Minimum notice for changes").fill("0")
    await staff.get_by_label("7 days").uncheck()
    await staff.get_by_role("button", name="Save").click()
    await staff.wait_for_function("document.getElementById('policy.cancelNoticeMinutes').value === '0'")


async def test_a_fault_is_told_at_its_field_and_nothing_typed_is_lost(site, staff):
    await staff.goto(place(site, "clinic"))
    await staff.locator("#address").fill("8 Lotus Lane")
    await staff.get_by_label("URL name (slug)").fill("Lotus Lane!")
    await staff.get_by_role("button", name="Save").click()
    await staff.locator("#slug[aria-invalid=true]").wait_for()
    assert await staff.locator("#slug-fault").inner_text() != ""
    await staff.get_by_label("URL name (slug)").fill("spreebogen")
    await staff.get_by_role("button", name="Save").click()
    await staff.get_by_role("alert").get_by_text("URL name already in use").wait_for()
    assert "Another clinic already uses this URL name" in await staff.locator("#slug-fault").inner_text()
    assert await staff.locator("#address").input_value() == "8 Lotus Lane"


async def test_who_is_second_is_told_so_and_can_load_anew(site, staff):
    await staff.goto(place(site, "clinic"))
    client = api(site)
    etag = client.get(f"/api/clinics/{CLINIC}").headers["ETag"]
    assert (
        client.patch(f"/api/clinics/{CLINIC}", json={"phone": "+913322221111"}, headers={"If-Match": etag}).status_code
        == 200
    )
    await staff.get_by_label("Phone").fill("+913322223333")
    await staff.get_by_role("button", name="Save").click()
    said = await staff.get_by_role("alert").inner_text()
    assert ("Someone else changed this in the meantime." in said, "If-Match" in said) == (True, False)
    assert await staff.get_by_label("Phone").input_value() == "+913322223333"
    await staff.get_by_role("button", name="Reload").click()
    await staff.wait_for_function("document.getElementById('phone').value === '+913322221111'")


async def test_the_booking_page_and_what_embeds_it_are_shown(site, staff):
    await staff.goto(place(site, "clinic"))
    assert await staff.get_by_role("link", name="/c/lotus-lane").get_attribute("href") == "/c/lotus-lane"
    assert (
        await staff.locator("#snippet").inner_text()
        == f'<script src="{site.url}/embed.js" data-clinic="lotus-lane" async></script>'
    )


async def test_the_administrator_closes_a_clinic_and_brings_it_back(site, browser):
    client = api(site)
    clinic_id = client.post("/api/clinics", json={"name": "Short-lived", "timeZone": "Europe/Paris"}).json()["id"]
    context = await browser.new_context(
        locale="en", extra_http_headers={"Accept-Language": "en", "Authorization": f"Bearer {TOKEN}"}
    )
    page = await context.new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    await page.goto(f"{site.url}/staff/{clinic_id}/clinic")
    await page.get_by_role("button", name="Close clinic").click()
    assert await told(page) == "Clinic closed."
    assert client.get(f"/api/clinics/{clinic_id}").json()["active"] is False
    await page.get_by_role("button", name="Reactivate").click()
    await page.get_by_text("Clinic reopened.").wait_for()
    assert client.get(f"/api/clinics/{clinic_id}").json()["active"] is True
    await context.close()


@pytest.mark.parametrize(
    ("email", "path"),
    [
        (RECEPTION, "clinic"),
        (RECEPTION, "doctors"),
        (RECEPTION, "types"),
        (DOCTOR, "clinic"),
        (DOCTOR, "hours/changes"),
    ],
)
async def test_who_does_not_manage_the_clinic_sees_no_settings(site, page, email, path):
    await sign_in(page, site.url, email)
    assert (await page.goto(place(site, path))).status == 403


async def test_a_doctor_is_added_and_says_what_they_offer(site, staff):
    mine = Practice(site)
    name = f"Dr {uuid4().hex[:8]}"
    await staff.goto(place(site, "doctors"))
    await staff.get_by_role("link", name="Add doctor").click()
    await staff.get_by_label("Name").fill(name)
    await staff.get_by_label("Specialty").fill("Sports medicine")
    await staff.get_by_label(f"Visit {mine.name}").check()
    await staff.get_by_role("button", name="Add").click()
    assert "Now set their working hours" in await told(staff)
    assert await staff.locator("h1").inner_text() == name
    doctor_id = staff.url.rpartition("/")[2]
    doctor = mine.api.get(f"/api/doctors/{doctor_id}").json()
    assert (doctor["specialty"], doctor["appointmentTypeIds"]) == ("Sports medicine", [mine.type])
    await staff.goto(place(site, f"doctors/{doctor_id}"))
    await staff.get_by_label(f"Visit {mine.name}").uncheck()
    await staff.get_by_label("Email").fill("not an address")
    await staff.locator("form[data-api^=PATCH]").evaluate("form => form.noValidate = true")
    await staff.get_by_role("button", name="Save").click()
    await staff.locator("#email[aria-invalid=true]").wait_for()
    await staff.get_by_label("Email").fill("")
    await staff.get_by_role("button", name="Save").click()
    await staff.wait_for_url(place(site, "doctors"))
    assert mine.api.get(f"/api/doctors/{doctor_id}").json()["appointmentTypeIds"] is None


async def test_a_doctor_with_appointments_cannot_leave_and_one_without_can(site, staff):
    mine = Practice(site, week={"monday": hours("09:00", "12:00")})
    appointment = mine.book(coming(0), 9)
    await staff.goto(place(site, f"doctors/{mine.doctor}"))
    await staff.get_by_role("button", name="Mark as left").click()
    assert "Upcoming appointments with this doctor: 1." in await staff.get_by_role("alert").inner_text()
    version = mine.api.get(f"/api/appointments/{appointment['id']}").headers["ETag"]
    assert mine.api.delete(f"/api/appointments/{appointment['id']}", headers={"If-Match": version}).status_code == 204
    await staff.get_by_role("button", name="Mark as left").click()
    assert await told(staff) == f"{mine.name} is marked as left."
    await staff.get_by_role("link", name="Former").click()
    await staff.get_by_role("link", name=mine.name).click()
    await staff.get_by_role("button", name="Reactivate").click()
    await staff.wait_for_url(place(site, f"hours/{mine.doctor}"))
    assert mine.api.get(f"/api/doctors/{mine.doctor}").json()["active"] is True


@pytest.mark.parametrize(
    "price",
    [
        ("12,5", "EUR", 1250, "€12.50"),
        ("1500", "JPY", 1500, "¥1,500"),
        ("1.234", "KWD", 1234, "KWD1.234"),
        ("0.29", "USD", 29, "$0.29"),
    ],
)
async def test_a_price_is_kept_in_the_minor_units_of_its_currency(site, staff, price):
    typed, currency, amount, shown = price
    name = f"Priced {uuid4().hex[:8]}"
    await staff.goto(place(site, "types/new"))
    await staff.get_by_label("Name").fill(name)
    await staff.get_by_label("Price").fill(typed)
    await staff.get_by_label("Currency").select_option(currency)
    await staff.get_by_role("button", name="Add").click()
    await staff.wait_for_url(place(site, "types"))
    row = staff.get_by_role("row").filter(has_text=name)
    assert shown in (await row.inner_text()).replace("\xa0", " ")
    await row.get_by_role("link").click()
    type_id = staff.url.rpartition("/")[2]
    assert api(site).get(f"/api/appointmentTypes/{type_id}").json()["price"] == {"amount": amount, "currency": currency}
    await staff.get_by_label("Price").fill("")
    await staff.get_by_role("button", name="Save").click()
    await staff.wait_for_url(place(site, "types"))
    assert api(site).get(f"/api/appointmentTypes/{type_id}").json()["price"] is None


async def test_an_amount_that_the_currency_does_not_have_is_refused(site, staff):
    await staff.goto(place(site, "types/new"))
    await staff.get_by_label("Currency").select_option("JPY")
    await staff.get_by_label("Price").fill("12.50")
    assert await staff.locator("#price-fault").inner_text() == "Enter an amount, such as 1250"
    await staff.get_by_label("Name").fill("Never")
    await staff.get_by_role("button", name="Add").click()
    assert await staff.get_by_label("Name").input_value() == "Never"
    await staff.get_by_label("Price").fill("1250")
    assert await staff.locator("#price-fault").inner_text() == ""


async def test_a_type_is_offered_no_more_and_comes_back(site, staff):
    mine = Practice(site)
    await staff.goto(place(site, f"types/{mine.type}"))
    await staff.get_by_label("Minutes", exact=True).fill("3")
    await staff.locator("form.settings").evaluate("form => form.noValidate = true")
    await staff.get_by_role("button", name="Save").click()
    await staff.locator("#minutes[aria-invalid=true]").wait_for()
    await staff.get_by_role("button", name="Stop offering").click()
    assert await told(staff) == "Appointment type no longer offered."
    await staff.get_by_role("link", name="No longer offered").click()
    await staff.get_by_role("link", name=f"Visit {mine.name}").click()
    await staff.get_by_role("button", name="Reactivate").click()
    await staff.get_by_text("Appointment type offered again.").wait_for()


async def test_time_slots_that_intersect_are_told_at_the_field(site, staff):
    await staff.goto(place(site, "hours/time-slots/new"))
    await staff.get_by_label("Name").fill("Late")
    await staff.get_by_label("From").fill("19:00")
    await staff.get_by_label("Until").fill("00:00")
    await staff.get_by_role("button", name="Save").click()
    await staff.locator("#startTime[aria-invalid=true]").wait_for()
    assert "another time slot" in await staff.locator("#startTime-fault").inner_text()
    await staff.get_by_label("From").fill("21:00")
    await staff.get_by_role("button", name="Save").click()
    await staff.wait_for_url(place(site, "hours"))
    late = next(
        slot for slot in api(site).get(f"/api/clinics/{CLINIC}/timeslots").json()["items"] if slot["name"] == "Late"
    )
    assert (late["startTime"], late["endTime"]) == ("21:00", "24:00")
    await staff.get_by_role("link", name="Late").click()
    assert await staff.get_by_label("Until").input_value() == "00:00"
    await staff.goto(place(site, "hours"))
    await staff.get_by_role("button", name="Remove – Late").click()
    assert await told(staff) == "Removed."
    assert await staff.get_by_role("link", name="Late").count() == 0


async def test_a_week_is_edited_copied_and_saved_and_then_published(site, staff):
    mine = Practice(site)
    await staff.goto(place(site, f"hours/{mine.doctor}"))
    monday = staff.locator("[data-day=monday]")
    await monday.get_by_role("button", name="Add hours").click()
    await monday.get_by_label("From").fill("09:00")
    await monday.get_by_label("Until").fill("12:00")
    await monday.get_by_role("button", name="Add hours").click()
    await monday.get_by_label("Time slot").nth(1).select_option(label="Evening OPD")
    assert await monday.get_by_label("From").nth(1).input_value() == "17:00"
    await monday.get_by_label("Copy Monday to").select_option("wednesday")
    await staff.locator("[data-day=wednesday]").get_by_role("button", name="Remove").nth(0).click()
    await staff.get_by_role("button", name="Preview changes").click()
    await staff.get_by_text("Published hours don’t change.").wait_for()
    assert not any(mine.api.get(f"/api/doctors/{mine.doctor}/schedule").json()["weekly"].values())
    await staff.get_by_role("button", name="Save", exact=True).click()
    await staff.wait_for_url(place(site, "hours"))
    assert await told(staff) == "Week saved. New dates are published tonight, or you can publish them now below."
    week = mine.api.get(f"/api/doctors/{mine.doctor}/schedule").json()["weekly"]
    told_of = {
        day: [(each["startTime"], each["endTime"], bool(each["timeSlotId"])) for each in lines]
        for day, lines in week.items()
        if lines
    }
    assert told_of == {
        "monday": [("09:00", "12:00", False), ("17:00", "20:00", True)],
        "wednesday": [("17:00", "20:00", True)],
    }
    assert mine.slots() == []
    await staff.get_by_role("button", name="Publish now").click()
    await staff.get_by_text("New slots published: ").wait_for()
    assert len(mine.slots()) >= 9


async def test_hours_that_overlap_are_told_at_their_row(site, staff):
    mine = Practice(site)
    await staff.goto(place(site, f"hours/{mine.doctor}"))
    tuesday = staff.locator("[data-day=tuesday]")
    for start, end in (("09:00", "12:00"), ("11:00", "13:00")):
        await tuesday.get_by_role("button", name="Add hours").click()
        await tuesday.get_by_label("From").last.fill(start)
        await tuesday.get_by_label("Until").last.fill(end)
    await staff.get_by_role("button", name="Preview changes").click()
    await tuesday.locator(".fault").nth(1).get_by_text("overlaps other hours on that day").wait_for()
    assert await tuesday.get_by_label("Until").last.input_value() == "13:00"


async def test_what_a_change_would_do_is_shown_before_it_is_done(site, staff):
    mine = Practice(site, week={"monday": hours("09:00", "12:00"), "tuesday": hours("09:00", "12:00")})
    mine.book(coming(0), 9, name="Ila Bose")
    before = mine.slots()
    await staff.goto(place(site, f"hours/{mine.doctor}"))
    await staff.locator("[data-day=monday]").get_by_label("From").fill("10:00")
    await staff.locator("[data-day=friday]").get_by_role("button", name="Add hours").click()
    await staff.locator("[data-day=friday]").get_by_label("From").fill("14:00")
    await staff.locator("[data-day=friday]").get_by_label("Until").fill("16:00")
    week = mine.api.get(f"/api/doctors/{mine.doctor}/schedule").json()
    await staff.get_by_role("button", name="Preview changes").click()
    row = staff.locator("#days tr").filter(has_text=f"{coming(0):%b} {coming(0).day}")
    assert (await row.locator(".goes").inner_text(), await row.locator(".comes").inner_text()) == (
        "9:00 AM – 12:00 PM",
        "10:00 AM – 12:00 PM",
    )
    stranded = staff.locator("#stranded tbody tr")
    assert await stranded.locator("th").inner_text() == "Ila Bose"
    assert await stranded.get_by_role("link").get_attribute("href") == f"/staff/{CLINIC}/day?date={coming(0)}"
    assert await faults_of(staff) == []
    await staff.get_by_role("button", name="Save and apply").click()
    assert "Appointments outside the new hours: 1." in await staff.get_by_role("alert").inner_text()
    await staff.get_by_role("button", name="Cancel").click()
    assert (mine.slots(), mine.api.get(f"/api/doctors/{mine.doctor}/schedule").json()) == (before, week)
    assert await staff.locator("[data-day=monday]").get_by_label("From").input_value() == "10:00"
    await staff.locator("[data-day=friday]").get_by_label("Until").fill("17:00")
    await staff.get_by_role("button", name="Preview changes").click()
    await staff.locator(".comes").get_by_text("2:00 – 5:00 PM").first.wait_for()
    await staff.get_by_label("Keep them for now").check()
    await staff.get_by_role("button", name="Save and apply").click()
    await staff.wait_for_url(place(site, "absences/rebook"))
    assert at(coming(4), 14)[:16] in [slot[:16] for slot in mine.slots()]
    await staff.goto(place(site, f"hours/changes/{mine.doctor}"))
    await staff.get_by_text("Published hours match the weekly hours").wait_for()


async def test_a_line_for_a_time_is_added_copied_and_removed(site, staff):
    mine = Practice(site, week={"monday": hours("09:00", "12:00")})
    await staff.goto(place(site, f"hours/line/{mine.doctor}"))
    await staff.get_by_label("Weekday").select_option("saturday")
    await staff.get_by_label("From", exact=True).fill("10:00")
    await staff.get_by_label("Until", exact=True).fill("13:00")
    await staff.get_by_label("Valid from").fill(str(coming(0)))
    await staff.get_by_label("Valid until").fill(str(coming(0) - timedelta(days=1)))
    await staff.get_by_role("button", name="Save").click()
    await staff.locator("#validUntil[aria-invalid=true]").wait_for()
    await staff.get_by_label("Valid until").fill(str(coming(6)))
    await staff.get_by_role("button", name="Save").click()
    await staff.wait_for_url(place(site, f"hours/changes/{mine.doctor}"))
    await staff.goto(place(site, f"hours/{mine.doctor}"))
    await staff.get_by_text("Saving this week replaces other hours").wait_for()
    saturday = staff.get_by_role("row").filter(has_text="Saturday")
    await saturday.get_by_role("link", name="Copy").click()
    await staff.get_by_role("button", name="Save").click()
    await staff.locator("#weekday[aria-invalid=true]").wait_for()
    await staff.goto(place(site, f"hours/{mine.doctor}"))
    await saturday.get_by_role("button", name="Remove").click()
    await staff.get_by_text("Removed. Published hours don’t change").wait_for()
    assert await saturday.count() == 0


async def test_appointments_in_the_way_of_an_absence_are_moved_by_one_click(site, staff):
    mine = Practice(site, week={"monday": hours("09:00", "12:00"), "tuesday": hours("09:00", "12:00")})
    kept, moved = mine.book(coming(0), 9, name="Ila Bose"), mine.book(coming(0), 10, name="Tara Roy")
    await staff.goto(place(site, "absences"))
    await staff.get_by_role("link", name="Add absence").first.click()
    await staff.get_by_label("Who").select_option(mine.doctor)
    await staff.get_by_label("First day").fill(str(coming(0)))
    await staff.get_by_label("Last day").fill(str(coming(0) - timedelta(days=1)))
    await staff.get_by_role("button", name="Check for conflicts").click()
    assert await staff.locator("#until-fault").inner_text() != ""
    await staff.get_by_label("Last day").fill("")
    await staff.get_by_role("button", name="Check for conflicts").click()
    await staff.get_by_role("heading", name="Affected appointments").wait_for()
    assert await faults_of(staff) == []
    assert await staff.locator("#to-move h3").all_inner_texts() == ["Ila Bose", "Tara Roy"]
    await staff.get_by_label("Reason").fill("Wedding")
    card = staff.locator("#to-move > li").filter(has_text="Tara Roy")
    offer = card.get_by_role("button").first
    assert "9:" in await offer.inner_text()
    await offer.click()
    assert await told(staff) == "Tara Roy: appointment rescheduled. They will be notified."
    assert await staff.locator("#to-move h3").all_inner_texts() == ["Ila Bose"]
    assert mine.api.get(f"/api/appointments/{moved['id']}").json()["startTime"] != moved["startTime"]
    assert await staff.get_by_label("Reason").input_value() == "Wedding"
    await staff.get_by_role("button", name="Add absence and keep for rebooking").click()
    await staff.wait_for_url(place(site, "absences/rebook"))
    assert mine.api.get(f"/api/appointments/{kept['id']}").json()["needsRebooking"] is True
    card = staff.locator("#to-move > li").filter(has_text=mine.name)
    await card.get_by_role("button").first.click()
    await staff.get_by_text("Ila Bose: appointment rescheduled. They will be notified.").wait_for()
    assert await card.count() == 0
    assert mine.api.get(f"/api/appointments/{kept['id']}").json()["needsRebooking"] is False
    await staff.goto(place(site, "absences"))
    row = staff.get_by_role("row").filter(has_text=mine.name)
    assert "Wedding" in await row.inner_text()
    await row.get_by_role("button", name="Remove").click()
    await staff.get_by_text("Absence removed").wait_for()
    assert await row.count() == 0


async def test_the_whole_clinic_is_closed_where_that_is_chosen(site, staff):
    day, client = datetime.now(UTC).date() + timedelta(days=300), api(site)
    await staff.goto(place(site, "absences/new"))
    await staff.get_by_label("First day").fill(str(day))
    look = staff.get_by_role("button", name="Check for conflicts")
    await look.click()
    assert await staff.locator("#doctor:invalid").count() == 1
    await staff.get_by_label("Who").select_option("Whole clinic closed")
    await look.click()
    await staff.get_by_text("No conflicts.").wait_for()
    await staff.get_by_role("button", name="Add absence").click()
    await staff.wait_for_url(place(site, "absences"))
    listed = client.get(f"/api/clinics/{CLINIC}/absences?limit=200").json()["items"]
    (absence,) = [
        each for each in listed if each["doctorId"] is None and each["startTime"] > str(day - timedelta(days=2))
    ]
    assert client.delete(f"/api/absences/{absence['id']}", headers={"If-Match": "*"}).status_code == 204


async def test_a_second_type_of_one_name_is_told_at_the_name(site, staff):
    mine = Practice(site)
    await staff.goto(place(site, "types/new"))
    await staff.get_by_label("Name").fill(f" visit {mine.name} ")
    assert "Another appointment type already has this name." in await staff.locator("#name-fault").inner_text()
    await staff.get_by_role("button", name="Add").click()
    assert staff.url == place(site, "types/new")
    await staff.goto(place(site, f"types/{mine.type}"))
    await staff.get_by_role("button", name="Save").click()
    await staff.wait_for_url(place(site, "types"))


async def test_a_time_slot_that_ends_before_it_begins_is_refused_in_words(site, staff):
    await staff.goto(place(site, "hours/time-slots/new"))
    await staff.locator("#startTime").fill("22:00")
    await staff.locator("#endTime").fill("02:00")
    await staff.locator("main form button").first.click()
    await staff.locator("#endTime-fault, [data-row] .fault").get_by_text("must be after the start").wait_for()


async def test_a_page_is_read_in_another_language(site, staff):
    await staff.goto(place(site, "types"))
    await staff.get_by_role("link", name="Deutsch").click()
    assert await staff.locator("h1").inner_text() == "Terminarten"
    await staff.goto(place(site, "absences"))
    assert await staff.locator("h1").inner_text() == "Abwesenheiten"


async def test_what_stands_in_a_row_stands_on_one_line(site, staff):
    await staff.goto(place(site, "absences/new"))
    tops = [(await staff.locator(f"#{name}").bounding_box())["y"] for name in ("from", "at")]
    assert tops[0] == tops[1]


async def test_times_of_an_absence_are_the_clinics_wherever_one_looks_from(site, browser):
    mine = Practice(site, week={"wednesday": hours("09:00", "12:00")})
    context, page, watched = await browsers.new_page(browser, timezone_id="America/Los_Angeles")
    await sign_in(page, site.url, RECEPTION)
    await page.goto(place(site, f"absences/new?doctor={mine.doctor}"))
    await page.get_by_label("First day").fill(str(coming(2)))
    await page.get_by_label("From").fill("10:00")
    await page.get_by_label("Until").fill("11:00")
    await page.get_by_role("button", name="Check for conflicts").click()
    await page.get_by_text("No conflicts.").wait_for()
    await page.get_by_role("button", name="Add absence").click()
    await page.wait_for_url(place(site, "absences"))
    assert "10:00 – 11:00 AM" in await page.get_by_role("row").filter(has_text=mine.name).inner_text()
    (absence,) = [
        each
        for each in mine.api.get(f"/api/clinics/{CLINIC}/absences?limit=200").json()["items"]
        if each["doctorId"] == mine.doctor
    ]
    assert (datetime.fromisoformat(absence["startTime"]), datetime.fromisoformat(absence["endTime"])) == tuple(
        datetime.fromisoformat(at(coming(2), hour)) for hour in (10, 11)
    )
    assert watched.complaints == []
    await context.close()


async def test_a_doctor_sees_and_changes_their_own_hours_only(site, page):
    await sign_in(page, site.url, DOCTOR)
    await page.goto(place(site, "hours"))
    assert await page.locator("table.weeks tbody th").all_inner_texts() == ["Dr. Vikram Iyer"]
    assert await page.get_by_role("heading", name="Time slots").count() == 0
    await page.locator("table.weeks").get_by_role("link", name="Dr. Vikram Iyer").click()
    assert await page.get_by_role("button", name="Preview changes").count() == 1
    others = Practice(site).doctor
    for path in (f"hours/{others}", f"hours/line/{others}", f"hours/changes/{others}", "hours/time-slots/new"):
        assert (await page.goto(place(site, path))).status == 403
    await page.goto(place(site, f"absences/new?doctor={others}&from={coming(0)}"))
    assert "Dr. Vikram Iyer" in await page.locator("main h2").first.inner_text()


@pytest.mark.parametrize("language", AXE_LANGUAGES)
async def test_nothing_serious_is_wrong_with_any_of_the_pages_in_any_language_nor_on_a_phone(site, browser, language):
    mine = Practice(site, week={"monday": hours("09:00", "12:00")})
    mine.book(coming(0), 11, 40)
    slot = mine.api.get(f"/api/clinics/{CLINIC}/timeslots").json()["items"][0]["id"]
    context, page, watched = await browsers.new_page(browser, language, viewport={"width": 320, "height": 700})
    await page.goto(f"{site.url}/staff/sign-in")
    await page.locator("input[name=email]").fill(MANAGER)
    await page.locator("input[name=password]").fill(browsers.PASSWORD)
    await page.locator("main button").click()
    await page.wait_for_url(lambda address: "sign-in" not in address)
    for path in (
        "clinic",
        "doctors",
        "doctors?show=left",
        "doctors/new",
        f"doctors/{mine.doctor}",
        "types",
        "types?show=removed",
        "types/new",
        f"types/{mine.type}",
        "hours",
        f"hours/{mine.doctor}",
        f"hours/line/{mine.doctor}",
        f"hours/changes/{mine.doctor}",
        "hours/changes",
        f"hours/time-slots/{slot}",
        "absences",
        "absences?show=past",
        "absences/rebook",
        "absences/new",
        f"absences/new?doctor={mine.doctor}&from={coming(0)}",
    ):
        assert (await page.goto(place(site, path))).status == 200, path
        assert await faults_of(page) == [], path
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
    assert watched.complaints == []
    await context.close()
