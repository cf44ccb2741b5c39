"""Staff's pages of patients, messages, people, keys, webhooks and the audit, as the server gives them."""

import re
from datetime import timedelta
from html import unescape
from types import SimpleNamespace
from uuid import UUID

import pytest

from appoint.identity.api_keys.model import PREFIX
from appoint.kit import ids
from support.app import ADMIN
from support.rows import appointment_type, book, clinic, customer, doctor, later, publish
from support.staff import add_user, bearer, works_at


@pytest.fixture
async def world(db, client):
    """Lakeside with two doctors: Dr Shah sees Ana, Dr Okafor sees Ben; Mia manages, and Dr Shah has an account."""
    await clinic(client)
    shah, okafor = await doctor(client, name="Dr Shah"), await doctor(client, name="Dr Okafor")
    await appointment_type(client)
    ana, ben = await customer(client, name="Ana Souza"), await customer(client, name="Ben Okoro")
    start = later(48).replace(minute=0, second=0, microsecond=0)
    for doctor_id, customer_id in ((shah, ana), (okafor, ben)):
        await publish(db, doctor_id, start, start + timedelta(hours=2))
        await book(db, doctor_id, customer_id, start, start + timedelta(minutes=30))
        await db.execute(
            "insert into patient (clinic_id, customer_id) values (1, $1) on conflict do nothing", UUID(customer_id)
        )
    await works_at(db, await add_user(db))
    await works_at(db, await add_user(db, "shah@example.org", name="Amara Shah"), role="doctor", doctor_id=UUID(shah))
    manager, shahs = await bearer(client), await bearer(client, "shah@example.org")

    async def get(path: str, headers: dict[str, str] = manager) -> SimpleNamespace:
        answer = await client.get(path, headers=headers)
        return SimpleNamespace(status_code=answer.status_code, text=unescape(answer.text), headers=answer.headers)

    return SimpleNamespace(
        get=get, manager=manager, shahs=shahs, shah=shah, okafor=okafor, ana=ana, ben=ben, start=start
    )


def rows(page) -> list[str]:
    return [
        " ".join(re.sub(r"<[^>]+>", " ", row).split())
        for row in re.findall(r"<tr>(.*?)</tr>", page.text.split("<tbody>")[1].split("</tbody>")[0], re.DOTALL)
    ]


def next_of(page) -> str:
    found = re.search(r'href="([^"]*)" rel="next"', page.text)
    assert found
    return found[1]


async def test_patients_are_found_by_name_and_number_and_nobody_by_anything_else(db, world):
    await db.execute("update patient set record_number = 'L-7' where customer_id = $1", UUID(world.ana))
    assert [row.split(" L-7")[0] for row in rows(await world.get("/staff/1/patients"))] == ["Ana Souza", "Ben Okoro"]
    for q in ("souz", "l-7"):
        assert [row.split()[0] for row in rows(await world.get(f"/staff/1/patients?q={q}"))] == ["Ana"]
    assert "No patients match “<x>”." in (await world.get("/staff/1/patients?q=%3Cx%3E")).text


async def test_what_is_typed_to_search_is_never_markup(world, client):
    answer = await client.get("/staff/1/patients?q=%3Cscript%3E%22", headers=world.manager)
    assert "<script>&#34;" not in answer.text
    assert "&lt;script&gt;&#34;" in answer.text


async def test_the_list_of_patients_goes_on(db, world):
    await db.execute(
        "with made as (insert into customer (name) select 'Patient ' || n from generate_series(1, 55) n returning id) insert into patient (clinic_id, customer_id) select 1, id from made"
    )
    first = await world.get("/staff/1/patients?q=a")
    second = await world.get(f"/staff/1/patients{next_of(first)}")
    assert (len(rows(first)), len(rows(second)), 'rel="next"' in second.text) == (50, 6, False)
    assert set(rows(first)) & set(rows(second)) == set()


async def test_a_doctor_sees_their_own_patients_and_their_own_appointments_with_them(db, world):
    assert [row.split()[0] for row in rows(await world.get("/staff/1/patients", world.shahs))] == ["Ana"]
    assert (await world.get(f"/staff/1/patients/{world.ben}", world.shahs)).status_code == 403
    await publish(db, world.okafor, world.start + timedelta(days=1), world.start + timedelta(days=1, hours=1))
    await book(
        db, world.okafor, world.ana, world.start + timedelta(days=1), world.start + timedelta(days=1, minutes=30)
    )
    assert len(rows(await world.get(f"/staff/1/patients/{world.ana}"))) == 2
    (row,) = rows(await world.get(f"/staff/1/patients/{world.ana}", world.shahs))
    assert "Dr Shah" in row


async def test_a_patients_past_goes_on_and_loses_nothing_where_two_began_together(db, world):
    for n in range(64):  # cancelled ones may have stood at the same time
        start = world.start - timedelta(days=10 + n // 2)
        await book(db, world.shah, world.ana, start, start + timedelta(minutes=30), status="cancelled")
    pages = [await world.get(f"/staff/1/patients/{world.ana}")]
    while 'rel="next"' in pages[-1].text:
        pages.append(await world.get(f"/staff/1/patients/{world.ana}{next_of(pages[-1])}"))
    counted = [page.text.count("Cancelled</span>") for page in pages]
    assert counted == [30, 30, 4]


async def test_nothing_of_another_clinic_is_on_a_patients_page(db, client, world):
    await clinic(client, name="Hilltop")
    elsewhere = await doctor(client, 2, name="Dr Elsewhere")
    await publish(db, elsewhere, world.start + timedelta(days=2), world.start + timedelta(days=2, hours=1))
    await book(db, elsewhere, world.ana, world.start + timedelta(days=2), world.start + timedelta(days=2, minutes=30))
    await db.execute(
        "insert into patient (clinic_id, customer_id, notes) values (2, $1, 'noted elsewhere') on conflict (clinic_id, customer_id) do update set notes = excluded.notes",
        UUID(world.ana),
    )
    page = await world.get(f"/staff/1/patients/{world.ana}")
    assert (len(rows(page)), "Elsewhere" in page.text, "noted elsewhere" in page.text) == (1, False, False)


async def told(db, world, *statuses: str) -> None:
    for status in statuses:
        await db.execute(
            """
            insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel, due_at, expires_at, status, reason, sent_at)
            values (1, mint_id(1), 'confirmation', $1, 0, 'customer', $2, 'email', now(), now(), $3, case when $3 in ('dead', 'superseded') then 'no such mailbox' end, case when $3 = 'sent' then now() end)
            """,
            str(ids.new_id(1)),
            world.ana,
            status,
        )


async def test_messages_that_could_not_be_sent_come_first_and_are_counted(db, world):
    await told(db, world, "sent", "queued", "superseded")
    everything = await world.get("/staff/1/messages")
    assert (len(rows(everything)), "could not be sent" in everything.text) == (3, False)
    await told(db, world, "dead", "dead")
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


async def test_only_what_was_sent_or_is_dead_can_be_sent_again(db, world):
    await told(db, world, "sent", "queued", "superseded", "dead")
    assert len(re.findall("/resend", (await world.get("/staff/1/messages?status=all")).text)) == 2


async def test_the_words_of_messages_are_everybodys_or_the_clinics_own(client, world):
    put = await client.put(
        "/api/clinics/1/messageTemplates/reminder/sms/en",
        json={"text": "Please come, {{ customer }}."},
        headers=world.manager,
    )
    assert put.status_code == 200
    assert "Customised by your clinic" in (own := await world.get("/staff/1/messages/words/reminder/sms/en")).text
    assert "Please come, {{ customer }}." in own.text
    assert f'data-match="{put.headers["ETag"]}"' in own.text
    assert "Default text." in (await world.get("/staff/1/messages/words/reminder/sms/de")).text
    assert (await world.get("/staff/1/messages/words/agenda/sms/de")).status_code == 404


async def test_who_works_here_is_listed_with_who_has_not_come_yet(db, world):
    await works_at(db, await add_user(db, "nora@example.org", name="Nora Late"), role="receptionist")
    listed = rows(await world.get("/staff/1/users"))
    assert [row.split(" Mia")[0] for row in listed if "Nora" in row] == ["Nora Late Reception nora@example.org Invited"]
    assert any("Amara Shah Doctor Dr Shah" in row for row in listed)


async def test_keys_are_listed_without_secrets_and_removed_ones_apart(client, world):
    made = (
        await client.post("/api/clinics/1/apiKeys", json={"name": "Portal", "scopes": ["see-patients"]}, headers=ADMIN)
    ).json()
    page = await world.get("/staff/1/keys")
    assert (rows(page), PREFIX in page.text) == (["Portal View patients and their notes never Never"], False)
    assert PREFIX not in (await world.get(f"/staff/1/keys/{made['id']}")).text
    await client.delete(f"/api/apiKeys/{made['id']}", headers=ADMIN)
    assert "No API keys." in (await world.get("/staff/1/keys")).text
    (row,) = rows(await world.get("/staff/1/keys?removed=1"))
    assert row.startswith("Portal View patients and their notes Revoked")


async def test_a_webhooks_deliveries_are_shown_newest_first_and_by_outcome_and_its_secret_never(db, world):
    webhook_id = ids.new_id(1)
    await db.execute(
        "insert into webhook (clinic_id, id, url, secret) values (1, $1, 'https://partner.example.com/', sha256(''))",
        webhook_id,
    )
    for n, status in enumerate(("delivered", "failed", "queued")):
        await db.execute(
            """
            insert into webhook_delivery (clinic_id, id, webhook_id, event_id, event_type, subject_id, due_at, status, reason, delivered_at)
            values (1, mint_id(1), $1, uuidv7(), 'slot.moved', $2, now(), $3, case when $3 = 'failed' then 'answered 500' end, case when $3 = 'delivered' then now() end)
            """,
            webhook_id,
            str(n),
            status,
        )
    page = await world.get(f"/staff/1/webhooks/{webhook_id}")
    assert [next(word for word in ("Arrived", "Failed", "Waiting") if word in row) for row in rows(page)] == [
        "Waiting",
        "Failed",
        "Arrived",
    ]
    assert (len(rows(await world.get(f"/staff/1/webhooks/{webhook_id}?status=failed"))), "whsec_" in page.text) == (
        1,
        False,
    )


async def test_the_audit_is_newest_first_goes_on_and_ends(client, world):
    for _ in range(60):
        await client.get(f"/api/clinics/1/patients/{world.ana}", headers=world.manager)
    pages = [await world.get("/staff/1/audit?action=getPatient")]
    while 'rel="next"' in pages[-1].text:
        pages.append(await world.get(f"/staff/1/audit{next_of(pages[-1])}"))
    assert [len(rows(page)) for page in pages] == [50, 10]
    by_api = (await client.get("/api/clinics/1/audit?action=getPatient&limit=200", headers=ADMIN)).json()["items"]
    assert len(by_api) == 60
    await world.get("/staff/1/audit")
    assert "showAudit" in rows(await world.get("/staff/1/audit"))[0]


async def test_the_audit_is_narrowed_by_who_to_what_and_when(client, world):
    await client.get(f"/api/clinics/1/patients/{world.ana}", headers=world.shahs)
    (row,) = rows(await world.get("/staff/1/audit?action=getPatient"))
    assert "Amara Shah" in row
    (row,) = rows(await world.get(f"/staff/1/audit?subject={world.ana}&action=getPatient&actor=user"))
    assert "not yet" in row
    for nothing in ("actor=patient", "to=2001-01-01", "from=2999-01-01", f"subject={world.ben}"):
        assert "No matching entries." in (await world.get(f"/staff/1/audit?action=getPatient&{nothing}")).text, nothing
    for odd in ("from=9999-12-31", "to=0001-01-01", "before=nonsense", "from=nonsense"):
        assert (await world.get(f"/staff/1/audit?{odd}")).status_code == 200, odd


async def test_somebody_who_does_not_work_here_is_an_id_in_the_audit(client, world):
    await client.get(f"/api/clinics/1/patients/{world.ana}", headers=ADMIN)
    (row,) = rows(await world.get("/staff/1/audit?action=getPatient"))
    assert "Platform administrator" in row


async def test_ones_account_is_ones_own(world):
    page = await world.get("/staff/account", world.shahs)
    assert ("shah@example.org" in page.text, "mia@example.org" in page.text, page.headers["Cache-Control"]) == (
        True,
        False,
        "no-store",
    )


async def test_why_a_message_was_not_sent_is_told_in_the_readers_language(db, client, world):
    await told(db, world, "dead", "superseded")
    await db.execute("update notification set reason = 'the appointment has changed' where status = 'superseded'")
    page = (await client.get("/staff/1/messages?status=all", headers=world.manager | {"Accept-Language": "de"})).text
    assert ("der Termin hat sich geändert" in page, '<small lang="en">no such mailbox</small>' in page) == (
        True,
        True,
    )
