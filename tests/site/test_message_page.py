"""Staff read what a message to a patient said. It is generated again, because messages are not stored."""

from appoint.kit import clock
from support.app import ADMIN
from support.manage_links import book, create_visit
from support.post import Office, Post


async def send_confirmation(db, client):
    visit = await create_visit(db, client)
    await book(client, visit)
    await Office(db, Post()).plan_and_send(clock.now())
    return await db.fetchval("select id from notification where kind = 'confirmation'")


async def test_the_list_of_messages_links_to_what_each_said(db, client):
    notification = await send_confirmation(db, client)
    listed = await client.get("/staff/1/messages", headers=ADMIN)
    assert f"/staff/1/messages/{notification}" in listed.text
    page = await client.get(f"/staff/1/messages/{notification}", headers=ADMIN)
    assert (page.status_code, "Appointment booked" in page.text) == (200, True)


async def test_the_page_does_not_contain_the_links_that_grant_access(db, client):
    notification = await send_confirmation(db, client)
    page = await client.get(f"/staff/1/messages/{notification}", headers=ADMIN)
    assert ("https://…" in page.text, "/appointments/apm_" in page.text, "/unsubscribe/" in page.text) == (
        True,
        False,
        False,
    )


async def test_an_email_is_shown_as_the_patient_saw_it(db, client):
    notification = await send_confirmation(db, client)
    page = await client.get(f"/staff/1/messages/{notification}", headers=ADMIN)
    assert 'sandbox="allow-same-origin"' in page.text
    assert "&lt;!doctype html&gt;" in page.text
    assert "Change or cancel" in page.text
    assert page.headers["Content-Security-Policy"].endswith("; style-src-attr 'unsafe-inline'")


async def test_codes_are_never_shown(db, client):
    notification = await send_confirmation(db, client)
    await db.execute("update notification set kind = 'confirmation-code-1'")
    assert (await client.get(f"/staff/1/messages/{notification}", headers=ADMIN)).status_code == 404
