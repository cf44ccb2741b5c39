"""A patient signs in with a code, and sees the appointments of everyone who shares the address."""

from playwright.async_api import expect

from support.browsers import PHONE, follow, open_page
from support.patient_browser import book, cancel, path_of, receive_code, sign_in


async def test_a_family_signs_in_with_one_address_and_sees_all_its_appointments(site, browser):
    appointment = book(site, "oneill@example.com")
    async with open_page(browser, viewport=PHONE) as page:
        await sign_in(page, site, "oneill@example.com")
        await expect(page).to_have_url(f"{site.url}/my")
        await expect(page.locator(".facts")).to_contain_text("oneill@example.com")
        await follow(page.locator(f"a[href='{path_of(appointment)}']"))
        await expect(page.get_by_role("heading", level=1)).to_have_text("Your appointment")
        await cancel(page)
        await follow(page.get_by_role("link", name="My appointments"))
        await follow(page.get_by_role("link", name="Your data", exact=True))
        await expect(page.get_by_role("heading", level=1)).to_have_text("Your data")
        await page.go_back()
        await follow(page.get_by_role("button", name="Sign out"))
        await page.goto(f"{site.url}/my")
        await expect(page).to_have_url(f"{site.url}/sign-in?next=%2Fmy")


async def test_signing_in_works_without_scripts_and_marks_invalid_fields(site, browser):
    async with open_page(browser, java_script_enabled=False) as page:
        submit = page.locator("main button")
        await page.goto(f"{site.url}/my?lang=en")
        await page.locator("#address").fill("li.wei@")
        await follow(submit)
        await expect(page.locator("#address-fault")).not_to_be_empty()
        await page.locator("#address").fill("li.wei@example.net")
        await follow(submit)
        await page.locator("#code").fill("12")
        await follow(submit)
        await expect(page.locator("#code-fault")).to_have_text("Enter the six-digit code.")
        await page.locator("#code").fill(await receive_code(page, site, "li.wei@example.net"))
        await follow(submit)
        await expect(page).to_have_url(f"{site.url}/my?lang=en")
        await page.get_by_text("Others using this email address or phone number").click()
        other_person = page.locator("button[name=customer]").first
        await expect(other_person).to_be_visible()
        name = await other_person.inner_text()
        await follow(other_person)
        await expect(page.locator(".facts")).to_contain_text(name)


async def test_the_language_chosen_in_the_footer_applies_to_later_pages(site, page):
    await page.goto(f"{site.url}/sign-in?next=/my")
    await follow(page.get_by_role("link", name="Deutsch"))
    await page.locator("#address").fill("nobody@example.org")
    await follow(page.get_by_role("button", name="Code senden"))
    await expect(page.get_by_role("heading", level=1)).to_have_text("Code eingeben")
    await follow(page.get_by_role("link", name="français"))
    await expect(page.get_by_role("heading", level=1)).to_have_text("Saisissez le code")
    await page.goto(f"{site.url}/nothing")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Introuvable")
