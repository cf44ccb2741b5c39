"""A manager invites, changes and removes team members, and an administrator adds a clinic."""

import re
from uuid import uuid4

from playwright.async_api import expect

from support.browsers import follow, sign_in
from support.harbor_street import MANAGER, connect, fill, staff_url
from support.staff import PASSWORD, add_user, works_at


async def test_a_manager_invites_a_team_member_changes_their_role_and_removes_them(site, page):
    email = f"{uuid4().hex[:8]}@example.org"
    name = f"Nora {email[:8]}"
    notice, row = page.locator(".notice.good"), page.get_by_role("row").filter(has_text=email)
    await sign_in(page, site.url, MANAGER)
    await page.goto(staff_url(site, "users"))
    await follow(page.get_by_role("link", name="Invite team member"))
    await fill(page, name=name, email=email)
    await page.locator("#role").select_option("doctor")
    await page.get_by_role("button", name="Send invitation").click()
    await expect(page.locator("#doctorId-fault")).to_have_text(re.compile("."))
    await page.locator("#role").select_option("receptionist")
    await follow(page.get_by_role("button", name="Send invitation"))
    await expect(notice).to_have_text("Invitation sent.")
    await expect(row).to_contain_text("Invited")

    await follow(page.get_by_role("link", name=name))
    await follow(page.get_by_role("button", name="Resend invitation"))
    await expect(notice).to_have_text("Invitation sent.")
    await page.locator("#role").select_option("manager")
    await follow(page.get_by_role("button", name="Save"))
    await expect(row).to_contain_text("Manager")

    page.on("dialog", lambda dialog: dialog.accept())
    await follow(page.get_by_role("link", name=name))
    await follow(page.get_by_role("button", name="Remove from clinic"))
    await expect(page).to_have_url(staff_url(site, "users"))
    await expect(page.get_by_role("row").filter(has_text=MANAGER)).to_be_visible()
    await expect(row).to_have_count(0)


async def test_inviting_an_existing_team_member_is_refused_and_the_email_field_is_marked(site, page):
    await sign_in(page, site.url, MANAGER)
    await page.goto(staff_url(site, "users/invite"))
    await fill(page, name="Mona", email=MANAGER)
    await page.get_by_role("button", name="Send invitation").click()
    await expect(page.locator("#email-fault")).to_contain_text(
        "A team member at this clinic already has this email address."
    )


async def test_a_clinics_last_manager_cannot_give_up_the_role(site, page):
    email = f"{uuid4().hex}@example.org"
    async with connect(site) as db:
        clinic_id = await db.fetchval(
            "insert into clinic (name, time_zone) values ('Quiet Lane', 'Europe/Dublin') returning id"
        )
        user_id = await add_user(db, email)
        await works_at(db, user_id, clinic_id)
    await sign_in(page, site.url, email, PASSWORD)
    await page.goto(f"{site.url}/staff/{clinic_id}/users/{user_id}")
    await page.locator("#role").select_option("receptionist")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#role-fault")).to_contain_text("The clinic would be left without a manager.")


async def test_an_administrator_adds_a_clinic_and_then_invites_its_manager(site, page):
    email = f"{uuid4().hex}@example.org"
    async with connect(site) as db:
        await add_user(db, email, name="Ada Platform", administrator=True)
    await sign_in(page, site.url, email, PASSWORD)
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
