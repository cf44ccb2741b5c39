"""Staff look after patients, messages and message templates, and a manager reads the audit log."""

import re
from uuid import UUID

from playwright.async_api import expect

from support.browsers import follow, sign_in
from support.harbor_street import (
    CLINIC,
    MANAGER,
    add_dead_message,
    add_manager,
    add_patient,
    connect,
    fill,
    staff_url,
)
from support.staff import PASSWORD


async def test_a_manager_finds_a_patient_and_saves_notes(site, page):
    customer_id, name = await add_patient(site)
    await sign_in(page, site.url, MANAGER)
    await page.goto(staff_url(site, "patients"))
    await fill(page, q=name)
    await follow(page.get_by_role("button", name="Search"))
    await follow(page.get_by_role("link", name=name))
    await expect(page).to_have_url(staff_url(site, f"patients/{customer_id}"))
    await fill(page, recordNumber=f"N-{name[-4:]}", notes="Prefers mornings.")
    await follow(page.get_by_role("button", name="Save"))
    await expect(page.get_by_role("status")).to_have_text("Saved.")
    await expect(page.locator("#notes")).to_have_value("Prefers mornings.")


async def test_adding_a_patient_suggests_an_existing_one_and_records_can_be_joined_and_separated(site, page):
    customer_id, name = await add_patient(site)
    async with connect(site) as db:
        await db.execute(
            "update customer set birth_date = '1984-02-29', phone = '+12025550143' where id = $1", UUID(customer_id)
        )
    await sign_in(page, site.url, MANAGER)
    await page.goto(staff_url(site, "patients/new"))
    await fill(page, name=name, birthDate="1984-02-29")
    hint = page.locator("#similar")
    await expect(hint).to_contain_text("Probably the same as")
    await expect(hint.get_by_role("link")).to_have_text(
        re.compile(r"born .*1984 · \(202\) 555-0143|born .*1984 · \+1 202")
    )
    await follow(page.get_by_role("button", name="Add patient"))
    await expect(page.locator(".notice.warning")).to_contain_text("Probably the same as")
    await follow(page.get_by_role("button", name="Join records"))
    await expect(page.get_by_role("status")).to_contain_text("Records joined")
    await follow(page.get_by_role("button", name="Separate"))
    await expect(page.locator(".notice.warning")).to_contain_text("Probably the same as")


async def test_a_duplicate_record_number_is_marked_and_other_fields_are_kept(site, page):
    customer_id, _ = await add_patient(site)
    async with connect(site) as db:
        duplicate = await db.fetchval(
            "select record_number from patient where clinic_id = $1 and record_number is not null limit 1", CLINIC
        )
    await sign_in(page, site.url, MANAGER)
    await page.goto(staff_url(site, f"patients/{customer_id}"))
    await fill(page, recordNumber=duplicate, notes="Prefers mornings.")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#recordNumber-fault")).to_have_text(re.compile("."))
    await expect(page.locator("#recordNumber")).to_be_focused()
    await expect(page.locator("#notes")).to_have_value("Prefers mornings.")


async def test_a_patients_appointments_link_to_their_days(site, page):
    async with connect(site) as db:
        row = await db.fetchrow(
            """
            select a.id, a.customer_id, (lower(a.during) at time zone c.time_zone)::date as day
              from appointment a join clinic c on c.id = a.clinic_id
             where a.clinic_id = $1 and upper(a.during) < now()
             order by lower(a.during) desc limit 1
            """,
            CLINIC,
        )
    await sign_in(page, site.url, MANAGER)
    await page.goto(staff_url(site, f"patients/{row['customer_id']}"))
    address = f"/staff/{CLINIC}/day?date={row['day']}&appointment={row['id']}"
    await expect(page.locator(f'main a[href="{address}"]').first).to_be_visible()


async def test_failed_messages_are_listed_first_and_can_be_resent(site, page):
    customer_id, name = await add_patient(site)
    await add_dead_message(site, customer_id)
    await sign_in(page, site.url, MANAGER)
    await page.goto(staff_url(site, "messages"))
    await expect(page.locator(".notice.warning")).to_contain_text(re.compile(r"\d+ messages? could not be sent"))
    row = page.get_by_role("row").filter(has_text=name)
    await expect(row).to_contain_text("no such mailbox")
    await follow(row.get_by_role("button", name="Resend"))
    await expect(page.locator(".notice.good")).to_have_text("Message queued for resending.")
    await page.goto(staff_url(site, f"messages?patient={customer_id}"))
    await expect(page.get_by_role("row").filter(has_text=name)).not_to_contain_text("no such mailbox")


async def test_a_clinic_customises_a_message_and_restores_the_default(site, page):
    await sign_in(page, site.url, MANAGER)
    await page.goto(staff_url(site, "messages/words/missed/sms/fr"))
    await fill(page, text="Bonjour {{ customer }}, {{ nothing }}")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#text-fault")).to_contain_text("nothing")
    await fill(page, text="Bonjour {{ customer }}, vous nous avez manqué.")
    await page.get_by_role("button", name="Show preview").click()
    preview = page.locator("#preview [data-answer=text]")
    await expect(preview).to_have_text("Bonjour Camille Laurent, vous nous avez manqué.")
    await follow(page.get_by_role("button", name="Save"))
    await expect(page.locator(".notice.good")).to_have_text("Saved.")
    await page.goto(staff_url(site, "messages/words"))
    entry = page.locator("span").filter(has=page.locator('a[href$="/missed/sms/fr"]'))
    await expect(entry).to_contain_text("Customised")
    page.on("dialog", lambda dialog: dialog.accept())
    await page.goto(staff_url(site, "messages/words/missed/sms/fr"))
    await follow(page.get_by_role("button", name="Restore default text"))
    await expect(page.locator(".notice.good")).to_have_text("Default text restored.")
    await expect(page.get_by_text("Default text.")).to_be_visible()


async def test_the_audit_log_shows_who_viewed_a_patient_and_can_be_filtered(site, page):
    customer_id, _ = await add_patient(site)
    email = await add_manager(site, name="Paula Audited")
    await sign_in(page, site.url, email, PASSWORD)
    await page.goto(staff_url(site, f"patients/{customer_id}"))
    await page.goto(staff_url(site, f"audit?subject={customer_id}"))
    row = page.get_by_role("row").filter(has_text="showPatient")
    await expect(row).to_have_count(1)
    await expect(row).to_contain_text("Paula Audited")
    await page.goto(staff_url(site, "audit"))
    await page.locator("#actor").select_option(label="Paula Audited")
    await page.get_by_text("More filters").click()
    await fill(page, action="showAudit")
    await follow(page.get_by_role("button", name="Apply filters"))
    await expect(page.locator("tbody tr").first).to_contain_text("showAudit")
    await expect(page.locator("tbody tr")).to_have_count(2)
