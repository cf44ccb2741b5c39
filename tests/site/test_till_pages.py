"""Staff draft and issue invoices and take payments on pages that need no script."""

import re
from html import unescape
from types import SimpleNamespace
from uuid import UUID

import pytest

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

INVOICES = "/staff/1/invoices"
TILL = "/staff/1/till"


@pytest.fixture
async def desk(db, client):
    """Lakeside with Ana and Ben, who have records there. Rita is its receptionist, Mia its manager."""
    await create_clinic(client)
    ana, ben = await create_customer(client, name="Ana Ibarra"), await create_customer(client, name="Ben Okoro")
    for customer_id in (ana, ben):
        await db.execute("insert into patient (clinic_id, customer_id) values (1, $1)", UUID(customer_id))
    await works_at(db, await add_user(db, "rita@example.org", name="Rita"), role="receptionist")
    await works_at(db, await add_user(db))
    as_rita, as_mia = await bearer(client, "rita@example.org"), await bearer(client)

    async def get(path: str, headers: dict[str, str] = as_rita, **query):
        response = await client.get(path, params=query or None, headers=headers | {"Accept-Language": "en"})
        return SimpleNamespace(status=response.status_code, text=unescape(response.text))

    async def send(path: str, headers: dict[str, str] = as_rita, **fields):
        response = await client.post(path, data=fields, headers=headers | {"Accept-Language": "en"})
        return SimpleNamespace(
            status=response.status_code,
            text=unescape(response.text),
            to=response.headers.get("Location", "").partition("?")[0],
            query=response.headers.get("Location", "").partition("?")[2],
        )

    async def invoice(amount: str, patient: str = ana) -> str:
        page = (await send(INVOICES, patient=patient)).to
        await send(f"{page}/issue", **line(0, "Check-up", amount), language="en")
        return page.rpartition("/")[2]

    async def pay(patient: str = ana, *ids: str, **fields):
        chosen = {f"pay-{id}": "on" for id in ids}
        return await send(TILL, patient=patient, currency="EUR", nonce="0", **chosen, **{"method": "cash", **fields})

    return SimpleNamespace(get=get, send=send, invoice=invoice, pay=pay, ana=ana, ben=ben, as_mia=as_mia)


def line(number: int, description: str, amount: str, **fields: str) -> dict[str, str]:
    content = {"description": description, "quantity": "1", "unitAmount": amount, **fields}
    return {f"lines.{number}.{name}": value for name, value in content.items()}


def words(page) -> str:
    """Return the text of a page's main part."""
    main = page.text.partition("<main")[2].partition("</main>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


async def test_a_draft_is_edited_and_issued(desk):
    page = (await desk.send(INVOICES, patient=desk.ana)).to
    fields = line(0, "Plaster", "4,50", quantity="2", tax="S", taxRate="19") | line(1, "Check-up", "60.00")
    assert (await desk.send(page, **fields, language="en")).query == "done=saved"
    draft = await desk.get(page)
    assert "Total when last saved 69,00 €" in words(draft) or "€69.00" in words(draft)
    assert (await desk.send(f"{page}/issue", **fields, language="en")).query == "done=issued"
    text = words(await desk.get(page))
    assert re.search(r"Invoice \d{4}-000001", text)
    assert "Tax at 19" in text


async def test_an_appointment_type_is_added_with_its_price(db, client, desk):
    type_id = await create_appointment_type(client, name="Scan", price={"amount": 8500, "currency": "EUR"})
    page = (await desk.send(INVOICES, patient=desk.ana)).to
    await desk.send(page, type=type_id, language="en")
    row = await db.fetchrow("select description, unit_amount from invoice_line")
    assert (row.description, row.unit_amount) == ("Scan", 8500)


async def test_removed_and_empty_lines_are_left_out(db, desk):
    page = (await desk.send(INVOICES, patient=desk.ana)).to
    fields = line(0, "Plaster", "4.50", remove="on") | line(1, "Scan", "85") | line(2, "", "")
    await desk.send(page, **fields, language="en")
    assert await db.fetchval("select array_agg(description) from invoice_line") == ["Scan"]


async def test_faults_are_next_to_their_fields_and_nothing_is_saved(db, desk):
    page = (await desk.send(INVOICES, patient=desk.ana)).to
    response = await desk.send(page, **line(0, "Plaster", "4.505", quantity="x"), language="en")
    assert response.status == 400
    assert re.search(r'id="lines.0.unitAmount-fault">Enter an amount, such as 12[.,]50<', response.text)
    assert 'id="lines.0.quantity-fault">must be a whole number<' in response.text
    assert await db.fetchval("select count(*) from invoice_line") == 0


async def test_staff_enter_the_date_of_a_service(desk):
    page = (await desk.send(INVOICES, patient=desk.ana)).to
    await desk.send(page, **line(0, "Plaster", "4.50", suppliedOn="2026-12-30"), language="en")
    assert 'name="lines.0.suppliedOn" value="2026-12-30"' in (await desk.get(page)).text
    response = await desk.send(page, **line(0, "Plaster", "4.50", suppliedOn="30.12."), language="en")
    assert re.search(r'id="lines.0.suppliedOn-fault">[^<]+<', response.text)
    await desk.send(f"{page}/issue", **line(0, "Plaster", "4.50", suppliedOn="2026-12-30"), language="en")
    assert "Date of service 30 December 2026" in words(await desk.get(f"{page}/document"))


async def test_billing_an_appointment_twice_opens_the_same_invoice(db, client, desk):
    doctor_id = await create_doctor(client)
    await publish_slot(db, doctor_id, hours_ahead(24), hours_ahead(26))
    await insert_appointment(db, doctor_id, desk.ana, hours_ahead(24), hours_ahead(25))
    appointment_id = await db.fetchval("select id from appointment")
    first = await desk.send(INVOICES, appointment=appointment_id)
    second = await desk.send(INVOICES, appointment=appointment_id)
    assert (first.status, first.to) == (303, second.to)
    assert await db.fetchval("select occasion from invoice") == "visit"


async def test_a_draft_can_be_deleted_but_an_issued_invoice_cannot(db, desk):
    page = (await desk.send(INVOICES, patient=desk.ana)).to
    assert (await desk.send(f"{page}/delete")).to == INVOICES
    issued = await desk.invoice("60")
    assert (await desk.send(f"{INVOICES}/{issued}/delete")).status == 409
    assert await db.fetchval("select count(*) from invoice") == 1


async def test_the_list_shows_what_is_open_and_its_total(desk):
    await desk.invoice("60")
    await desk.pay(desk.ben, amount="5", keep="on")
    text = words(await desk.get(INVOICES))
    assert "1 invoice" in text
    assert "Ana Ibarra" in text
    assert "No invoices match." in words(await desk.get(INVOICES, status="settled"))


async def test_a_payment_pays_several_invoices_of_a_family(db, desk):
    ids = [await desk.invoice("60"), await desk.invoice("40", desk.ben)]
    page = await desk.get(TILL, patient=desk.ana, also=desk.ben)
    assert re.search(r'name="amount"[^>]*value="100[.,]00"', page.text)
    response = await desk.pay(desk.ana, *ids, amount="100", also=desk.ben, received="120")
    assert response.query == "done=taken&received=12000"
    assert await db.fetchval("select count(*) from shown_invoice where paid = total") == 2
    text = words(await desk.get(f"{response.to}?{response.query}"))
    assert re.search(r"Change to give: (€20.00|20,00 €)", text)


async def test_a_form_that_is_sent_twice_records_one_payment(db, desk):
    id = await desk.invoice("60")
    first, second = [await desk.pay(desk.ana, id, amount="60") for _ in range(2)]
    assert first.to == second.to
    assert await db.fetchval("select count(*) from payment") == 1


async def test_more_than_what_is_owed_is_refused_unless_the_rest_is_kept(db, desk):
    id = await desk.invoice("60")
    response = await desk.pay(desk.ana, id, amount="70")
    assert (response.status, "more than is owed" in response.text) == (400, True)
    assert (await desk.pay(desk.ana, id, amount="70", keep="on")).status == 303
    assert await db.fetchval("select free from shown_payment") == 1000


async def test_part_of_what_is_owed_pays_the_oldest_invoice_first(db, desk):
    ids = [await desk.invoice("60"), await desk.invoice("40")]
    assert (await desk.pay(desk.ana, *ids, amount="50")).status == 303
    rows = await db.fetch("select id, paid from shown_invoice order by id")
    assert [(str(row.id), row.paid) for row in rows] == [(ids[0], 5000), (ids[1], 0)]


async def test_undo_opens_the_invoice_again_and_the_money_can_be_used(db, desk):
    id = await desk.invoice("60")
    page = (await desk.pay(desk.ana, id, amount="60")).to
    assert (await desk.send(f"{page}/undo")).query == "done=undone"
    assert await db.fetchval("select paid from shown_invoice") == 0
    fields = {"patient": desk.ana, "currency": "EUR", f"pay-{id}": "on"}
    assert (await desk.send(f"{TILL}/credit", **fields)).status == 303
    assert await db.fetchval("select paid from shown_invoice") == 6000
    assert (await desk.send(f"{TILL}/credit", **fields)).status == 409


async def test_managers_refund_what_is_left_to_credit_and_receptionists_do_not(db, desk):
    page = (await desk.pay(desk.ana, amount="70", keep="on")).to
    fields = {"amount": "30", "to": "credit", "reason": "Paid twice"}
    assert (await desk.send(f"{page}/refund", **fields)).status == 403
    assert (await desk.send(f"{page}/refund", desk.as_mia, **fields)).query == "done=refunded"
    assert (await desk.send(f"{page}/refund", desk.as_mia, **{**fields, "amount": "41"})).status == 409
    assert await db.fetchval("select free from shown_payment where method = 'credit'") == 3000


async def test_managers_cancel_a_payment_recorded_by_mistake(db, desk):
    page = (await desk.pay(desk.ana, amount="70", keep="on")).to
    assert (await desk.send(f"{page}/cancel", desk.as_mia)).query == "done=cancelled"
    assert await db.fetchval("select status from payment") == "cancelled"


async def test_managers_correct_a_line_and_the_payment_is_free_again(db, desk):
    id = await desk.invoice("60")
    await desk.pay(desk.ana, id, amount="60")
    response = await desk.send(f"{INVOICES}/{id}/correct", desk.as_mia, **{"lines.0": "on"}, reason="Wrong patient")
    assert response.query == "done=corrected"
    assert await db.fetchval("select free from shown_payment where method = 'cash'") == 6000
    assert "Credit note" in words(await desk.get(f"{INVOICES}/{id}"))


async def test_the_till_shows_todays_takings_by_method(desk):
    await desk.pay(desk.ana, amount="70", keep="on")
    await desk.pay(desk.ana, amount="30", keep="on", method="terminal")
    text = words(await desk.get(TILL))
    assert re.search(r"Cash 1 (€70.00|70,00 €)", text)
    assert re.search(r"Card terminal 1 (€30.00|30,00 €)", text)


async def test_a_patients_page_shows_the_balance_but_not_to_doctors(db, client, desk):
    doctor_id = await create_doctor(client)
    await publish_slot(db, doctor_id, hours_ahead(24), hours_ahead(26))
    await insert_appointment(db, doctor_id, desk.ana, hours_ahead(24), hours_ahead(25))
    shah = await add_user(db, "shah@example.org", name="Amara Shah")
    await works_at(db, shah, role="doctor", doctor_id=UUID(doctor_id))
    await desk.invoice("60")
    patient = f"/staff/1/patients/{desk.ana}"
    assert re.search(r"Owes (€60.00|60,00 €)", words(await desk.get(patient)))
    as_shah = await bearer(client, "shah@example.org")
    page = await desk.get(patient, as_shah)
    assert (page.status, "60" in words(page)) == (200, False)
    assert (await desk.get(TILL, as_shah)).status == 403


async def test_another_clinics_invoice_is_not_found(client, desk):
    await create_clinic(client, name="Harbor")
    id = await desk.invoice("60")
    assert (await desk.get(f"/staff/2/invoices/{id}")).status in (403, 404)


async def test_a_payment_has_a_receipt_that_lists_its_invoices(desk):
    id = await desk.invoice("60")
    page = (await desk.pay(desk.ana, id, amount="60")).to
    assert f'href="{page}/receipt"' in (await desk.get(page)).text
    text = words(await desk.get(f"{page}/receipt"))
    assert re.search(r"Receipt R-\d{4}-000001", text)
    assert re.search(r"\d{4}-000001 .*60[.,]00", text)


async def test_an_open_invoice_has_a_link_for_paying_it(desk):
    id = await desk.invoice("60")
    response = await desk.send(f"{INVOICES}/{id}/pay-link")
    assert (response.status, "pay it by card" in response.text) == (200, True)
    await desk.pay(desk.ana, id, amount="60")
    assert (await desk.send(f"{INVOICES}/{id}/pay-link")).status == 409


async def test_a_script_can_load_the_takings_again_to_include_other_peoples_payments(desk):
    page = (await desk.get(TILL)).text
    assert f'data-fresh-from="{TILL}/takings"' in page
    assert "No payments yet today." in (await desk.get(f"{TILL}/takings")).text
    await desk.pay(desk.ana, amount="25.00", keep="on")
    takings = await desk.get(f"{TILL}/takings", desk.as_mia)
    text = " ".join(re.sub(r"<[^>]+>", " ", takings.text).split())
    assert (takings.status, "Ana" in text) == (200, False)
    assert re.search(r"Cash 1 (€25.00|25,00 €)", text)
    assert text in words(await desk.get(TILL))
