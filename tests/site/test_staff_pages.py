"""Staff pages for patients, messages, the team, API keys, webhooks and the audit log, as rendered by the server."""

import re
from datetime import timedelta
from html import unescape
from types import SimpleNamespace
from uuid import UUID

import pytest

from appoint.identity.api_keys.model import PREFIX
from appoint.kit import ids
from support.app import ADMIN
from support.staff import add_user, bearer, works_at
from support.world import (
    create_appointment_type,
    create_clinic,
    create_customer,
    create_doctor,
    hours_ahead,
    insert_appointment,
    publish_slot,
)


@pytest.fixture
async def world(db, client):
    """Lakeside with two doctors: Dr Shah sees Ana, Dr Okafor sees Ben. Mia manages it, and Dr Shah has an account."""
    await create_clinic(client)
    shah, okafor = await create_doctor(client, name="Dr Shah"), await create_doctor(client, name="Dr Okafor")
    await create_appointment_type(client)
    ana, ben = await create_customer(client, name="Ana Souza"), await create_customer(client, name="Ben Okoro")
    start = hours_ahead(48).replace(minute=0, second=0, microsecond=0)
    for doctor_id, customer_id in ((shah, ana), (okafor, ben)):
        await publish_slot(db, doctor_id, start, start + timedelta(hours=2))
        await insert_appointment(db, doctor_id, customer_id, start, start + timedelta(minutes=30))
        await db.execute(
            "insert into patient (clinic_id, customer_id) values (1, $1) on conflict do nothing", UUID(customer_id)
        )
    await works_at(db, await add_user(db))
    await works_at(db, await add_user(db, "shah@example.org", name="Amara Shah"), role="doctor", doctor_id=UUID(shah))
    as_manager, as_shah = await bearer(client), await bearer(client, "shah@example.org")

    async def get(path: str, headers: dict[str, str] = as_manager) -> SimpleNamespace:
        response = await client.get(path, headers=headers)
        return SimpleNamespace(status_code=response.status_code, text=unescape(response.text), headers=response.headers)

    return SimpleNamespace(
        get=get, as_manager=as_manager, as_shah=as_shah, shah=shah, okafor=okafor, ana=ana, ben=ben, start=start
    )


def rows(page) -> list[str]:
    """Return the text of each row in a page's table."""
    return [
        " ".join(re.sub(r"<[^>]+>", " ", row).split())
        for row in re.findall(r"<tr>(.*?)</tr>", page.text.split("<tbody>")[1].split("</tbody>")[0], re.DOTALL)
    ]


def next_page_query(page) -> str:
    """Return the query from the link to the next page."""
    link = re.search(r'href="([^"]*)" rel="next"', page.text)
    assert link
    return link[1]


async def test_patients_are_found_by_name_and_record_number(db, world):
    await db.execute("update patient set record_number = 'L-7' where customer_id = $1", UUID(world.ana))
    assert [row.split(" L-7")[0] for row in rows(await world.get("/staff/1/patients"))] == ["Ana Souza", "Ben Okoro"]
    for q in ("souz", "l-7"):
        assert [row.split()[0] for row in rows(await world.get(f"/staff/1/patients?q={q}"))] == ["Ana"]
    assert "No patients match “<x>”." in (await world.get("/staff/1/patients?q=%3Cx%3E")).text


async def test_a_search_term_is_escaped(world, client):
    response = await client.get("/staff/1/patients?q=%3Cscript%3E%22", headers=world.as_manager)
    assert "<script>&#34;" not in response.text
    assert "&lt;script&gt;&#34;" in response.text


async def test_the_patient_list_is_paginated(db, world):
    await db.execute(
        """
        with new as (insert into customer (name) select 'Patient ' || n from generate_series(1, 55) n returning id)
        insert into patient (clinic_id, customer_id) select 1, id from new
        """
    )
    first = await world.get("/staff/1/patients?q=a")
    second = await world.get(f"/staff/1/patients{next_page_query(first)}")
    assert (len(rows(first)), len(rows(second)), 'rel="next"' in second.text) == (50, 6, False)
    assert set(rows(first)) & set(rows(second)) == set()


async def test_a_doctor_sees_only_their_own_patients_and_appointments(db, world):
    assert [row.split()[0] for row in rows(await world.get("/staff/1/patients", world.as_shah))] == ["Ana"]
    assert (await world.get(f"/staff/1/patients/{world.ben}", world.as_shah)).status_code == 403
    await publish_slot(db, world.okafor, world.start + timedelta(days=1), world.start + timedelta(days=1, hours=1))
    await insert_appointment(
        db, world.okafor, world.ana, world.start + timedelta(days=1), world.start + timedelta(days=1, minutes=30)
    )
    assert len(rows(await world.get(f"/staff/1/patients/{world.ana}"))) == 2
    (row,) = rows(await world.get(f"/staff/1/patients/{world.ana}", world.as_shah))
    assert "Dr Shah" in row


async def test_past_appointments_are_paginated_without_losing_simultaneous_ones(db, world):
    for n in range(64):  # cancelled appointments can start at the same time
        start = world.start - timedelta(days=10 + n // 2)
        await insert_appointment(db, world.shah, world.ana, start, start + timedelta(minutes=30), status="cancelled")
    pages = [await world.get(f"/staff/1/patients/{world.ana}")]
    while 'rel="next"' in pages[-1].text:
        pages.append(await world.get(f"/staff/1/patients/{world.ana}{next_page_query(pages[-1])}"))
    assert [page.text.count("Cancelled</span>") for page in pages] == [30, 30, 4]


async def test_a_patients_page_shows_nothing_from_another_clinic(db, client, world):
    await create_clinic(client, name="Hilltop")
    other_doctor = await create_doctor(client, 2, name="Dr Elsewhere")
    await publish_slot(db, other_doctor, world.start + timedelta(days=2), world.start + timedelta(days=2, hours=1))
    await insert_appointment(
        db, other_doctor, world.ana, world.start + timedelta(days=2), world.start + timedelta(days=2, minutes=30)
    )
    await db.execute(
        """
        insert into patient (clinic_id, customer_id, notes) values (2, $1, 'a note from Hilltop')
            on conflict (clinic_id, customer_id) do update set notes = excluded.notes
        """,
        UUID(world.ana),
    )
    page = await world.get(f"/staff/1/patients/{world.ana}")
    assert (len(rows(page)), "Elsewhere" in page.text, "a note from Hilltop" in page.text) == (1, False, False)


async def add_messages(db, world, *statuses: str) -> None:
    """Insert a message to Ana for each status."""
    for status in statuses:
        await db.execute(
            """
            insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel,
                                      due_at, expires_at, status, reason, sent_at)
            values (1, mint_id(1), 'rebook-1', $1, 0, 'customer', $2, 'email', now(), now(), $3,
                    case when $3 in ('dead', 'superseded') then 'no such mailbox' end,
                    case when $3 = 'sent' then now() end)
            """,
            str(ids.new_id(1)),
            world.ana,
            status,
        )


async def test_the_message_page_shows_failed_messages_first_and_counts_them(db, world):
    await add_messages(db, world, "sent", "queued", "superseded")
    everything = await world.get("/staff/1/messages")
    assert (len(rows(everything)), "could not be sent" in everything.text) == (3, False)
    await add_messages(db, world, "dead", "dead")
    dead = await world.get("/staff/1/messages")
    assert (len(rows(dead)), "2 messages could not be sent." in dead.text, dead.text.count("no such mailbox")) == (
        2,
        True,
        2,
    )
    assert len(rows(await world.get("/staff/1/messages?status=all"))) == 5
    assert len(rows(await world.get("/staff/1/messages?status=queued"))) == 1
    assert len(rows(await world.get(f"/staff/1/messages?patient={world.ana}"))) == 5
    assert "No messages." in (await world.get(f"/staff/1/messages?patient={world.ben}&status=nonsense")).text


async def test_only_sent_or_dead_messages_can_be_resent(db, world):
    await add_messages(db, world, "sent", "queued", "superseded", "dead")
    assert len(re.findall("/resend", (await world.get("/staff/1/messages?status=all")).text)) == 2


async def test_message_texts_are_either_the_default_or_customised_by_the_clinic(client, world):
    response = await client.put(
        "/api/clinics/1/messageTemplates/reminder/sms/en",
        json={"text": "Please come, {{ customer }}."},
        headers=world.as_manager,
    )
    assert response.status_code == 200
    page = await world.get("/staff/1/messages/words/reminder/sms/en")
    assert "Customised by your clinic" in page.text
    assert "Please come, {{ customer }}." in page.text
    assert f'data-match="{response.headers["ETag"]}"' in page.text
    assert "Default text." in (await world.get("/staff/1/messages/words/reminder/sms/de")).text
    assert (await world.get("/staff/1/messages/words/agenda/sms/de")).status_code == 404


async def test_managers_edit_a_message_without_conditions_and_insert_placeholders_by_name(world):
    page = unescape((await world.get("/staff/1/messages/words/confirmation/email/en")).text)
    assert "{%" not in page
    assert re.search(r'data-inserts="\{\{ when \}\}"[^>]*>Day and time<', page)


async def test_staff_who_cannot_change_a_message_see_it_with_example_data(db, client, world):
    await works_at(db, await add_user(db, "rosa@example.org", name="Rosa Lindt"), role="receptionist")
    page = await world.get("/staff/1/messages/words/confirmation/email/en", await bearer(client, "rosa@example.org"))
    assert ("{{" in page.text, "Your appointment is booked" in page.text) == (False, True)


async def test_the_team_page_lists_members_and_open_invitations(db, world):
    await works_at(db, await add_user(db, "nora@example.org", name="Nora Late"), role="receptionist")
    team = rows(await world.get("/staff/1/users"))
    assert [row.split(" Mia")[0] for row in team if "Nora" in row] == ["Nora Late Reception nora@example.org Invited"]
    assert any("Amara Shah Doctor Dr Shah" in row for row in team)


async def test_api_keys_are_listed_without_secrets_and_revoked_ones_separately(client, world):
    key = {"name": "Portal", "scopes": ["see-patients"]}
    key_id = (await client.post("/api/clinics/1/apiKeys", json=key, headers=ADMIN)).json()["id"]
    page = await world.get("/staff/1/keys")
    assert (rows(page), PREFIX in page.text) == (["Portal View patients and their notes never Never"], False)
    assert PREFIX not in (await world.get(f"/staff/1/keys/{key_id}")).text
    await client.delete(f"/api/apiKeys/{key_id}", headers=ADMIN)
    assert "No API keys." in (await world.get("/staff/1/keys")).text
    (row,) = rows(await world.get("/staff/1/keys?removed=1"))
    assert row.startswith("Portal View patients and their notes Revoked")


async def test_a_webhook_page_lists_deliveries_newest_first_and_never_its_secret(db, world):
    webhook_id = ids.new_id(1)
    await db.execute(
        "insert into webhook (clinic_id, id, url, secret) values (1, $1, 'https://partner.example.com/', sha256(''))",
        webhook_id,
    )
    for n, status in enumerate(("delivered", "failed", "queued")):
        await db.execute(
            """
            insert into webhook_delivery (clinic_id, id, webhook_id, event_id, event_type, subject_id, due_at, status,
                                          reason, delivered_at)
            values (1, mint_id(1), $1, uuidv7(), 'slot.moved', $2, now(), $3,
                    case when $3 = 'failed' then 'responded with 500' end, case when $3 = 'delivered' then now() end)
            """,
            webhook_id,
            str(n),
            status,
        )
    page = await world.get(f"/staff/1/webhooks/{webhook_id}")
    assert [next(word for word in ("Delivered", "Failed", "Waiting") if word in row) for row in rows(page)] == [
        "Waiting",
        "Failed",
        "Delivered",
    ]
    assert (len(rows(await world.get(f"/staff/1/webhooks/{webhook_id}?status=failed"))), "whsec_" in page.text) == (
        1,
        False,
    )


async def test_the_audit_log_lists_newest_entries_first_and_is_paginated(client, world):
    for _ in range(60):
        await client.get(f"/api/clinics/1/patients/{world.ana}", headers=world.as_manager)
    pages = [await world.get("/staff/1/audit?action=getPatient")]
    while 'rel="next"' in pages[-1].text:
        pages.append(await world.get(f"/staff/1/audit{next_page_query(pages[-1])}"))
    assert [len(rows(page)) for page in pages] == [50, 10]
    by_api = (await client.get("/api/clinics/1/audit?action=getPatient&limit=200", headers=ADMIN)).json()["items"]
    assert len(by_api) == 60
    await world.get("/staff/1/audit")
    assert "showAudit" in rows(await world.get("/staff/1/audit?show=all"))[0]


async def test_the_audit_log_can_be_filtered_by_actor_subject_action_and_date(client, world):
    await client.get(f"/api/clinics/1/patients/{world.ana}", headers=world.as_shah)
    (row,) = rows(await world.get("/staff/1/audit?action=getPatient"))
    assert "Amara Shah" in row
    (row,) = rows(await world.get(f"/staff/1/audit?subject={world.ana}&action=getPatient&actor=user"))
    assert "not yet" in row
    for filter in ("actor=patient", "to=2001-01-01", "from=2999-01-01", f"subject={world.ben}"):
        assert "No matching entries." in (await world.get(f"/staff/1/audit?action=getPatient&{filter}")).text, filter
    for odd_filter in ("from=9999-12-31", "to=0001-01-01", "before=nonsense", "from=nonsense"):
        assert (await world.get(f"/staff/1/audit?{odd_filter}")).status_code == 200, odd_filter


async def test_the_audit_log_names_the_platform_administrator(client, world):
    await client.get(f"/api/clinics/1/patients/{world.ana}", headers=ADMIN)
    (row,) = rows(await world.get("/staff/1/audit?action=getPatient"))
    assert "A platform administrator viewed" in row


async def test_the_account_page_shows_only_the_users_own_account(world):
    page = await world.get("/staff/account", world.as_shah)
    assert "shah@example.org" in page.text
    assert "mia@example.org" not in page.text
    assert page.headers["Cache-Control"] == "no-store"


async def test_reasons_for_unsent_messages_are_translated_if_they_come_from_appoint(db, client, world):
    await add_messages(db, world, "dead", "superseded")
    await db.execute("update notification set reason = 'the appointment has changed' where status = 'superseded'")
    headers = world.as_manager | {"Accept-Language": "de"}
    page = (await client.get("/staff/1/messages?status=all", headers=headers)).text
    assert "der Termin hat sich geändert" in page
    assert '<small lang="en">no such mailbox</small>' in page
