"""Staff look after patients and messages, say who works here and which systems may ask, read the audit, and keep their
own account."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import httpx2
import pyotp
import pytest
from playwright.async_api import Page, expect

from appoint.kit import ids
from support import browsers
from support.browsers import AXE_LANGUAGES, faults_of, follow, sign_in
from support.staff import ANOTHER, add_user, works_at
from support.staff import PASSWORD as OWN_PASSWORD

pytestmark = pytest.mark.anyio
CLINIC = 2
MANAGER = "manager@harborstreet.example.com"


@asynccontextmanager
async def database(site) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(site.database_url)
    yield connection
    await connection.close()


async def colleague(site, **about) -> str:
    """Somebody of their own for a test, who manages the clinic; returns the e-mail address."""
    email = f"{uuid4().hex}@example.org"
    async with database(site) as db:
        await works_at(db, await add_user(db, email, **about), CLINIC)
    return email


async def patient_of(site) -> tuple[str, str]:
    """A new patient of the clinic: the id, and a name that nobody else has."""
    name = f"Ines {uuid4().hex[:8]}"
    async with database(site) as db:
        customer_id = await db.fetchval(
            "insert into customer (name, email) values ($1, 'ines@example.org') returning id", name
        )
        await db.execute("insert into patient (clinic_id, customer_id) values ($1, $2)", CLINIC, customer_id)
    return str(customer_id), name


async def dead_message(site, customer_id: str) -> str:
    notification_id = ids.new_id(CLINIC)
    async with database(site) as db:
        await db.execute(
            """
            insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel, due_at, expires_at, status, reason)
            values ($1, $2, 'reminder-1440', $3, 0, 'customer', $4, 'email', now(), now() + interval '1 day', 'dead', 'no such mailbox')
            """,
            CLINIC,
            notification_id,
            str(ids.new_id(CLINIC)),
            customer_id,
        )
    return str(notification_id)


async def fill(page: Page, **values: str) -> None:
    for name, value in values.items():
        await page.locator(f"#main [name={name}]").fill(value)


async def test_a_manager_finds_a_patient_and_notes_something(site, page):
    customer_id, name = await patient_of(site)
    await sign_in(page, site.url, MANAGER)
    await page.goto(f"{site.url}/staff/{CLINIC}/patients")
    await fill(page, q=name)
    await follow(page.get_by_role("button", name="Search"))
    await follow(page.get_by_role("link", name=name))
    await expect(page).to_have_url(f"{site.url}/staff/{CLINIC}/patients/{customer_id}")
    await fill(page, recordNumber=f"N-{name[-4:]}", notes="Prefers mornings.")
    await follow(page.get_by_role("button", name="Save"))
    await expect(page.get_by_role("status")).to_have_text("Saved.")
    await expect(page.locator("#notes")).to_have_value("Prefers mornings.")


async def test_a_record_number_that_another_patient_has_is_told_at_the_field_and_nothing_typed_is_lost(site, page):
    customer_id, _ = await patient_of(site)
    async with database(site) as db:
        taken = await db.fetchval(
            "select record_number from patient where clinic_id = $1 and record_number is not null limit 1", CLINIC
        )
    await sign_in(page, site.url, MANAGER)
    await page.goto(f"{site.url}/staff/{CLINIC}/patients/{customer_id}")
    await fill(page, recordNumber=taken, notes="Prefers mornings.")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#recordNumber-fault")).to_have_text(re.compile("."))
    await expect(page.locator("#recordNumber")).to_be_focused()
    await expect(page.locator("#notes")).to_have_value("Prefers mornings.")


async def test_a_patients_appointments_lead_to_their_days(site, page):
    async with database(site) as db:
        row = await db.fetchrow(
            """
            select a.customer_id, (lower(a.during) at time zone c.time_zone)::date as day
              from appointment a join clinic c on c.id = a.clinic_id
             where a.clinic_id = $1 and upper(a.during) < now()
             order by lower(a.during) desc limit 1
            """,
            CLINIC,
        )
    await sign_in(page, site.url, MANAGER)
    await page.goto(f"{site.url}/staff/{CLINIC}/patients/{row['customer_id']}")
    await expect(page.locator(f'main a[href="/staff/{CLINIC}/day?date={row["day"]}"]').first).to_be_visible()


async def test_what_could_not_be_sent_comes_first_and_is_sent_again(site, page):
    customer_id, name = await patient_of(site)
    await dead_message(site, customer_id)
    await sign_in(page, site.url, MANAGER)
    await page.goto(f"{site.url}/staff/{CLINIC}/messages")
    await expect(page.locator(".notice.warning")).to_contain_text(re.compile(r"\d+ messages? could not be sent"))
    row = page.get_by_role("row").filter(has_text=name)
    await expect(row).to_contain_text("no such mailbox")
    await follow(row.get_by_role("button", name="Resend"))
    await expect(page.locator(".notice.good")).to_have_text("Message queued for resending.")
    await page.goto(f"{site.url}/staff/{CLINIC}/messages?patient={customer_id}")
    await expect(page.get_by_role("row").filter(has_text=name)).not_to_contain_text("no such mailbox")


async def test_a_clinic_puts_a_message_into_its_own_words_and_back(site, page):
    await sign_in(page, site.url, MANAGER)
    words = f"{site.url}/staff/{CLINIC}/messages/words"
    await page.goto(f"{words}/missed/sms/fr")
    await fill(page, text="Bonjour {{ customer }}, {{ nothing }}")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#text-fault")).to_contain_text("nothing")
    await fill(page, text="Bonjour {{ customer }}, vous nous avez manqué.")
    await page.get_by_role("button", name="Show preview").click()
    await expect(page.locator("#preview [data-answer=text]")).to_have_text("Bonjour Ana Souza, vous nous avez manqué.")
    await follow(page.get_by_role("button", name="Save"))
    await expect(page.locator(".notice.good")).to_have_text("Saved.")
    await page.goto(words)
    own = page.locator("span").filter(has=page.locator('a[href$="/missed/sms/fr"]'))
    await expect(own).to_contain_text("Customised")
    page.on("dialog", lambda dialog: dialog.accept())
    await page.goto(f"{words}/missed/sms/fr")
    await follow(page.get_by_role("button", name="Restore default text"))
    await expect(page.locator(".notice.good")).to_have_text("Default text restored.")
    await expect(page.get_by_text("Default text.")).to_be_visible()


async def test_a_manager_invites_somebody_changes_what_they_are_and_removes_them(site, page):
    email = f"{uuid4().hex[:8]}@example.org"
    await sign_in(page, site.url, MANAGER)
    await page.goto(f"{site.url}/staff/{CLINIC}/users")
    await follow(page.get_by_role("link", name="Invite team member"))
    await fill(page, name=f"Nora {email[:8]}", email=email)
    await page.locator("#role").select_option("doctor")
    await page.get_by_role("button", name="Send invitation").click()
    await expect(page.locator("#doctorId-fault")).to_have_text(re.compile("."))
    await page.locator("#role").select_option("receptionist")
    await follow(page.get_by_role("button", name="Send invitation"))
    await expect(page.locator(".notice.good")).to_have_text("Invitation sent.")
    await expect(page.get_by_role("row").filter(has_text=email)).to_contain_text("Invited")

    await follow(page.get_by_role("link", name=f"Nora {email[:8]}"))
    await follow(page.get_by_role("button", name="Resend invitation"))
    await expect(page.locator(".notice.good")).to_have_text("Invitation sent.")
    await page.locator("#role").select_option("manager")
    await follow(page.get_by_role("button", name="Save"))
    await expect(page.get_by_role("row").filter(has_text=email)).to_contain_text("Manager")

    page.on("dialog", lambda dialog: dialog.accept())
    await follow(page.get_by_role("link", name=f"Nora {email[:8]}"))
    await follow(page.get_by_role("button", name="Remove from clinic"))
    await expect(page).to_have_url(f"{site.url}/staff/{CLINIC}/users")
    await expect(page.get_by_role("row").filter(has_text=MANAGER)).to_be_visible()
    await expect(page.get_by_role("row").filter(has_text=email)).to_have_count(0)


async def test_somebody_who_works_here_already_is_told_at_the_field(site, page):
    await sign_in(page, site.url, MANAGER)
    await page.goto(f"{site.url}/staff/{CLINIC}/users/invite")
    await fill(page, name="Mona", email=MANAGER)
    await page.get_by_role("button", name="Send invitation").click()
    await expect(page.locator("#email-fault")).to_contain_text(
        "A team member of this clinic already has this email address."
    )


async def test_the_last_manager_stays_one(site, page):
    async with database(site) as db:
        clinic_id = await db.fetchval(
            "insert into clinic (name, time_zone) values ('Quiet Lane', 'Europe/Dublin') returning id"
        )
        email = f"{uuid4().hex}@example.org"
        user_id = await add_user(db, email)
        await works_at(db, user_id, clinic_id)
    await sign_in(page, site.url, email, OWN_PASSWORD)
    await page.goto(f"{site.url}/staff/{clinic_id}/users/{user_id}")
    await page.locator("#role").select_option("receptionist")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#role-fault")).to_contain_text("The clinic would be left without a manager.")


async def test_a_key_is_shown_once_works_and_is_taken_away(site, page):
    await sign_in(page, site.url, MANAGER)
    await page.goto(f"{site.url}/staff/{CLINIC}/keys/new")
    await fill(page, name="Referral portal")
    await page.get_by_role("button", name="Create key").click()
    await expect(page.locator("#scopes-fault")).to_have_text(re.compile("."))
    await page.get_by_label("View patients and their notes").check()
    await page.get_by_role("button", name="Create key").click()
    secret = page.locator("#made-secret")
    await expect(secret).to_have_text(re.compile("^apt_"))
    key = await secret.inner_text()
    await follow(page.get_by_role("button", name="Done"))
    await expect(page).to_have_url(f"{site.url}/staff/{CLINIC}/keys")
    await follow(page.get_by_role("link", name="Referral portal").last)
    await expect(page.locator("#overlapMinutes")).to_be_visible()
    assert key not in await page.content()

    async with httpx2.AsyncClient(base_url=site.url, headers={"Authorization": f"Bearer {key}"}) as partner:
        assert (await partner.get(f"/api/clinics/{CLINIC}/patients")).status_code == 200
        await page.locator("#overlapMinutes").select_option("0")
        await page.get_by_role("button", name="Create new secret").click()
        await expect(secret).to_have_text(re.compile("^apt_"))
        await expect(secret).not_to_have_text(key)
        assert (await partner.get(f"/api/clinics/{CLINIC}/patients")).status_code == 401
    async with page.expect_navigation():
        await page.keyboard.press("Escape")
    page.on("dialog", lambda dialog: dialog.accept())
    await follow(page.get_by_role("button", name="Revoke key"))
    await expect(page).to_have_url(f"{site.url}/staff/{CLINIC}/keys")
    await follow(page.get_by_role("link", name="Show revoked keys"))
    await expect(page.get_by_role("row").filter(has_text="Referral portal").first).to_contain_text("Revoked")


async def test_a_webhook_is_added_tried_switched_on_again_and_removed(site, page):
    await sign_in(page, site.url, MANAGER)
    await page.goto(f"{site.url}/staff/{CLINIC}/webhooks/new")
    await fill(page, url="https://10.0.0.1/appoint")
    await page.get_by_role("button", name="Add webhook").click()
    await expect(page.locator("#url-fault")).to_have_text("must be reachable from the internet")
    await fill(page, url="https://93.184.215.14/appoint", description="Laboratory")
    await page.get_by_text("Events (all if none selected)").click()
    await page.get_by_label("appointment.booked").check()
    await page.get_by_role("button", name="Add webhook").click()
    await expect(page.locator("#made-secret")).to_have_text(re.compile("^whsec_"))
    await follow(page.get_by_role("button", name="Done"))
    await expect(page).to_have_url(re.compile(r"/webhooks/[0-9a-f-]{36}$"))
    webhook_id = page.url.rpartition("/")[2]
    async with database(site) as db:
        await db.execute(
            "update webhook set disabled_at = now(), failing_since = now() where clinic_id = $1 and id = $2",
            CLINIC,
            webhook_id,
        )
        await db.execute(
            """
            insert into webhook_delivery (clinic_id, id, webhook_id, event_id, event_type, subject_id, due_at, status, attempts, response_status, reason)
            values ($1, mint_id($1), $2, uuidv7(), 'appointment.booked', 'one', now(), 'failed', 8, 500, 'answered 500')
            """,
            CLINIC,
            webhook_id,
        )
    await page.reload()
    await expect(page.get_by_role("row").filter(has_text="answered 500")).to_contain_text("Failed")
    await follow(page.get_by_role("button", name="Turn on again"))
    await expect(page.locator(".badge.good").first).to_have_text("On")
    await page.get_by_role("button", name="Resend events").click()
    await expect(page.locator("#replayed")).to_contain_text(re.compile(r"\d"))
    page.on("dialog", lambda dialog: dialog.accept())
    await follow(page.get_by_role("button", name="Remove webhook"))
    await expect(page).to_have_url(f"{site.url}/staff/{CLINIC}/webhooks")
    await expect(page.get_by_role("row").filter(has_text="Laboratory")).to_have_count(0)


async def test_the_audit_says_who_has_looked_at_whom_and_is_narrowed(site, page):
    customer_id, _ = await patient_of(site)
    email = await colleague(site, name="Paula Audited")
    await sign_in(page, site.url, email, OWN_PASSWORD)
    await page.goto(f"{site.url}/staff/{CLINIC}/patients/{customer_id}")
    await page.goto(f"{site.url}/staff/{CLINIC}/audit?subject={customer_id}")
    row = page.get_by_role("row").filter(has_text="showPatient")
    await expect(row).to_have_count(1)
    await expect(row).to_contain_text("Paula Audited")
    await page.goto(f"{site.url}/staff/{CLINIC}/audit")
    await page.locator("#actor").select_option(label="Paula Audited")
    await fill(page, action="showAudit")
    await follow(page.get_by_role("button", name="Apply filters"))
    await expect(page.locator("tbody tr").first).to_contain_text("showAudit")
    await expect(page.locator("tbody tr")).to_have_count(2)


async def test_somebody_sets_an_authenticator_up_signs_in_with_it_and_removes_it(site, page):
    email = await colleague(site)
    await sign_in(page, site.url, email, OWN_PASSWORD)
    await page.goto(f"{site.url}/staff/account")
    await page.locator("#password").fill("not my password")
    await page.get_by_role("button", name="Set up two-step sign-in").click()
    await expect(page.locator("#password-fault")).to_have_text("is not your current password")
    await page.locator("#password").fill(OWN_PASSWORD)
    await page.get_by_role("button", name="Set up two-step sign-in").click()
    shown = page.locator("[data-answer=secret]")
    await expect(shown).to_have_text(re.compile("^([A-Z2-7]{4} ?){8}$"))
    secret = (await shown.inner_text()).replace(" ", "")
    await expect(page.locator("[data-answer=uri]")).to_have_attribute("href", re.compile("^otpauth://totp/"))
    totp = pyotp.TOTP(secret)
    await page.locator("#code").fill("000000")
    await page.get_by_role("button", name="Confirm").click()
    await expect(page.locator("#code-fault")).to_have_text(re.compile("."))
    await page.locator("#code").fill(totp.now())
    await follow(page.get_by_role("button", name="Confirm"))
    await expect(page.locator(".notice.good")).to_have_text("Two-step sign-in is on.")

    await follow(page.get_by_role("button", name="Sign out", exact=True))
    async with database(site) as db:  # a code is good once; as if some time had gone by
        await db.execute("update app_user set totp_step = null where email = $1", email)
    await page.goto(f"{site.url}/staff/sign-in?next=/staff/account")
    await fill(page, email=email, password=OWN_PASSWORD)
    await follow(page.locator("main button"))
    await fill(page, password=OWN_PASSWORD, totp=totp.now())
    await follow(page.locator("main button"))
    await expect(page).to_have_url(f"{site.url}/staff/account")
    await page.locator("#password").fill(OWN_PASSWORD)
    await follow(page.get_by_role("button", name="Turn off two-step sign-in"))
    await expect(page.locator(".notice.good")).to_have_text("Two-step sign-in is off.")


async def test_somebody_changes_their_name_and_password_and_is_signed_out_elsewhere(site, browser, page):
    email = await colleague(site)
    context, elsewhere, _ = await browsers.new_page(browser)
    await sign_in(elsewhere, site.url, email, OWN_PASSWORD)
    await sign_in(page, site.url, email, OWN_PASSWORD)
    await page.goto(f"{site.url}/staff/account")
    await fill(page, name="Mia Groß")
    await follow(page.get_by_role("button", name="Save"))
    await expect(page.locator(".who")).to_contain_text("Mia Groß")
    await expect(page.get_by_role("button", name="End session")).to_have_count(1)
    await fill(page, current=OWN_PASSWORD, new="short")
    await page.get_by_role("button", name="Change password").click()
    await expect(page.locator("#new-fault")).to_contain_text("12")
    await fill(page, current=OWN_PASSWORD, new=ANOTHER)
    await follow(page.get_by_role("button", name="Change password"))
    await expect(page.locator(".notice.good")).to_contain_text("Password changed.")
    await expect(page.get_by_role("button", name="End session")).to_have_count(0)
    await elsewhere.goto(f"{site.url}/staff/account")
    await expect(elsewhere).to_have_url(re.compile("/staff/sign-in"))
    await context.close()
    await follow(page.get_by_role("button", name="Sign out on all devices"))
    await expect(page).to_have_url(f"{site.url}/staff/sign-in")


async def test_an_administrator_adds_a_clinic_and_invites_its_first_manager(site, page):
    email = f"{uuid4().hex}@example.org"
    async with database(site) as db:
        await add_user(db, email, name="Ada Platform", administrator=True)
    await sign_in(page, site.url, email, OWN_PASSWORD)
    await page.goto(f"{site.url}/staff")
    await follow(page.get_by_role("link", name="Add clinic"))
    await fill(page, name="Hill Road Surgery", slug="harbor-street")
    await page.locator("#timeZone").select_option("Europe/Dublin")
    await page.get_by_role("button", name="Add clinic").click()
    await expect(page.locator("#slug-fault")).to_have_text(re.compile("."))
    await fill(page, slug=f"hill-road-{uuid4().hex[:6]}")
    await follow(page.get_by_role("button", name="Add clinic"))
    await expect(page).to_have_url(re.compile(r"/staff/\d+/users/invite$"))
    await expect(page.locator(".side .clinic")).to_have_text("Hill Road Surgery")


@pytest.mark.parametrize("language", AXE_LANGUAGES)
async def test_nothing_serious_is_wrong_with_these_pages_also_on_a_phone(site, browser, language):
    customer_id, _ = await patient_of(site)
    await dead_message(site, customer_id)
    email = await colleague(site, administrator=True)
    async with database(site) as db:
        user_id = await db.fetchval("select id from app_user where email = $1", email)
        webhook_id, key_id = ids.new_id(CLINIC), ids.new_id(CLINIC)
        await db.execute(
            "insert into webhook (clinic_id, id, url, secret) values ($1, $2, 'https://partner.example.com/', sha256(''))",
            CLINIC,
            webhook_id,
        )
        await db.execute(
            "insert into api_key (clinic_id, id, name, scopes, secret_hash) values ($1, $2, 'Lab', '{see-patients}', sha256(''))",
            CLINIC,
            key_id,
        )
    context, page, watched = await browsers.new_page(browser, language, viewport={"width": 320, "height": 640})
    await page.goto(f"{site.url}/staff/sign-in")
    await fill(page, email=email, password=OWN_PASSWORD)
    await follow(page.locator("main button"))
    await expect(page).not_to_have_url(re.compile("sign-in"))
    clinic = f"{site.url}/staff/{CLINIC}"
    for address in (
        f"{clinic}/patients",
        f"{clinic}/patients?q=nobody+of+that+name",
        f"{clinic}/patients/{customer_id}",
        f"{clinic}/messages",
        f"{clinic}/messages/words",
        f"{clinic}/messages/words/confirmation/email/{language}",
        f"{clinic}/users",
        f"{clinic}/users/invite",
        f"{clinic}/users/{user_id}",
        f"{clinic}/keys",
        f"{clinic}/keys/new",
        f"{clinic}/keys/{key_id}",
        f"{clinic}/webhooks",
        f"{clinic}/webhooks/new",
        f"{clinic}/webhooks/{webhook_id}",
        f"{clinic}/audit",
        f"{site.url}/staff/account",
        f"{site.url}/staff/clinics/new",
        f"{site.url}/staff",
    ):
        answer = await page.goto(address)
        assert answer
        assert answer.status == 200, address
        await expect(page.locator("html")).to_have_attribute("lang", language)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320, address
        assert await faults_of(page) == [], address
    assert watched.complaints == []
    await context.close()


async def test_a_password_does_not_land_in_the_address_where_the_script_is_missing(site, browser):
    email = await colleague(site)
    context, page, _ = await browsers.new_page(browser)
    await sign_in(page, site.url, email, OWN_PASSWORD)
    await page.route("**/*.js", lambda route: route.abort())
    await page.goto(f"{site.url}/staff/account")
    await page.locator("#current").fill(OWN_PASSWORD)
    await page.locator("#new").fill(ANOTHER)
    await follow(page.get_by_role("button", name="Change password"))
    await expect(page.get_by_role("heading", name="Nothing was saved")).to_be_visible()
    await expect(page).to_have_url(f"{site.url}/staff/account")
    await context.close()


async def test_who_may_not_see_a_page_is_told_so_and_who_is_signed_out_already_too(site, browser):
    email = await colleague(site)
    context, page, _ = await browsers.new_page(browser)
    await sign_in(page, site.url, email, OWN_PASSWORD)
    await page.goto(f"{site.url}/my")
    await expect(page.get_by_text("Your account doesn’t have access to this page.")).to_be_visible()
    await page.goto(f"{site.url}/staff/account")
    other = await context.new_page()
    await other.goto(f"{site.url}/staff/account")
    for each in (page, other):
        await follow(each.locator(".side form button"))
    await expect(other.get_by_role("heading", name="You are signed out")).to_be_visible()
    await context.close()
