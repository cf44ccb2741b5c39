"""Each appointment is billed once, according to the clinic's policies."""

import asyncio
from uuid import UUID

import pytest

from appoint.kit import clock
from appoint.payments.billing import service as billing
from support.app import ADMIN
from support.bills import (
    DEPOSIT_OF_A_QUARTER,
    HALF_WITHIN_TWO_WEEKS,
    book_by_staff,
    book_with_deposit,
    cancel,
    invoices_for,
    issue,
    only_invoice,
    refunds_of,
    run_worker,
    set_policy,
    take_steps,
)
from support.deposits import create_paid_practice
from support.manage_links import times_at
from support.staff import sign_in_receptionist

PRICE, QUARTER, HALF = 8000, 2000, 4000


@pytest.fixture
async def practice(db, client):
    practice = await create_paid_practice(db, client)
    await set_policy(client, practice)
    return practice


async def test_a_booking_is_invoiced_at_once_if_that_is_the_policy(client, db, practice):
    await set_policy(client, practice, invoicesAt="booking", taxCategory="S", taxRate=1900)
    appointment = await book_by_staff(client, practice)
    await run_worker(db)
    assert await invoices_for(client, appointment) == [("visit", "draft", PRICE)]
    (line,) = (await only_invoice(client))["lines"]
    assert (line["appointmentId"], line["taxRate"], line["tax"]) == (appointment["id"], 1900, 1277)


async def test_a_visit_is_invoiced_when_it_is_over(client, db, practice):
    appointment = await book_by_staff(client, practice)
    await run_worker(db)
    assert await invoices_for(client, appointment) == []
    await take_steps(db, client, appointment, "arrive", "fulfil")
    await run_worker(db)
    assert await invoices_for(client, appointment) == [("visit", "draft", PRICE)]


async def test_nothing_is_invoiced_if_the_policy_says_never(client, db, practice):
    await set_policy(client, practice, invoicesAt="never")
    appointment = await book_by_staff(client, practice)
    await take_steps(db, client, appointment, "arrive", "fulfil")
    await run_worker(db)
    assert await invoices_for(client, appointment) == []


async def test_nothing_is_billed_at_clinics_without_a_policy(client, db, practice):
    await db.execute("delete from payment_policy")
    await book_by_staff(client, practice)
    await run_worker(db)
    assert await db.fetchval("select count(*) from appointment_bill") == 0


async def test_an_appointment_is_invoiced_once_however_often_it_is_billed(client, db, practice):
    await set_policy(client, practice, invoicesAt="booking")
    appointment = await book_by_staff(client, practice)
    await run_worker(db)
    for _ in range(2):
        await db.execute("update appointment_bill set due_at = now() - interval '1 minute'")
        await asyncio.gather(*(billing.bill_due(db, now=clock.now()) for _ in range(4)))
    assert await invoices_for(client, appointment) == [("visit", "draft", PRICE)]


async def test_a_family_gets_one_invoice_for_one_booking(client, db, practice):
    await set_policy(client, practice, invoicesAt="booking")
    parts = [{**practice, "startTime": times_at(hours)["startTime"]} for hours in (0, 1)]
    body = {"clinicId": 1, "customerId": practice["customerId"], "appointments": parts}
    response = await client.post("/api/bookings", json=body, headers=ADMIN)
    assert response.status_code == 201, response.text
    await run_worker(db)
    invoice = await only_invoice(client)
    assert invoice["total"]["amount"] == 2 * PRICE
    booked = {each["id"] for each in response.json()["appointments"]}
    assert {line["appointmentId"] for line in invoice["lines"]} == booked


async def test_a_deposit_pays_the_invoice_as_soon_as_it_is_issued(client, db, practice):
    await set_policy(client, practice, invoicesAt="booking", **DEPOSIT_OF_A_QUARTER)
    await book_with_deposit(db, client, practice)
    await run_worker(db)
    issued = await issue(client, await only_invoice(client))
    assert (issued["paid"]["amount"], issued["open"]["amount"]) == (QUARTER, PRICE - QUARTER)


@pytest.mark.parametrize(
    ("policy", "by_clinic", "outcome"),
    [
        ({}, False, ([("method", QUARTER)], [])),
        ({"depositRefundMinutes": 20_160}, False, ([], [("cancellation", "draft", QUARTER)])),
        ({"depositRefundMinutes": 20_160}, True, ([("method", QUARTER)], [])),
        ({"refundTo": "credit"}, False, ([("credit", QUARTER)], [])),
        ({"refundTo": "ask"}, False, ([], [])),
        (HALF_WITHIN_TWO_WEEKS, False, ([], [("cancellation", "draft", HALF)])),
        (HALF_WITHIN_TWO_WEEKS, True, ([("method", QUARTER)], [])),
    ],
)
async def test_a_cancellation_returns_what_the_clinic_does_not_keep(client, db, policy, by_clinic, outcome):
    practice = await create_paid_practice(db, client)
    await set_policy(client, practice, **DEPOSIT_OF_A_QUARTER, **policy)
    appointment = await book_with_deposit(db, client, practice)
    await run_worker(db)
    await cancel(client, appointment, by_clinic=by_clinic)
    await run_worker(db)
    assert (await refunds_of(db), await invoices_for(client, appointment)) == outcome


async def test_a_cancellation_reduces_the_invoice_to_the_share_that_the_clinic_keeps(client, db, practice):
    await set_policy(client, practice, invoicesAt="booking", depositPercent=100, **HALF_WITHIN_TWO_WEEKS)
    appointment = await book_with_deposit(db, client, practice)
    await run_worker(db)
    await issue(client, await only_invoice(client))
    await cancel(client, appointment)
    await run_worker(db)
    assert await refunds_of(db) == [("method", HALF)]
    assert await invoices_for(client, appointment) == [("visit", "issued", 0)]
    settlement = (await client.get(f"/api/appointments/{appointment['id']}/settlement", headers=ADMIN)).json()
    assert [settlement[name]["amount"] for name in ("paid", "kept", "returned")] == [PRICE, HALF, HALF]


async def test_an_unpaid_invoice_is_reduced_when_the_appointment_is_cancelled(client, db, practice):
    await set_policy(client, practice, invoicesAt="booking", **HALF_WITHIN_TWO_WEEKS)
    appointment = await book_by_staff(client, practice)
    await run_worker(db)
    await issue(client, await only_invoice(client))
    await cancel(client, appointment)
    await run_worker(db)
    assert await invoices_for(client, appointment) == [("visit", "issued", HALF)]


async def test_undoing_a_booking_costs_nothing(client, db, practice):
    await set_policy(client, practice, invoicesAt="booking", **HALF_WITHIN_TWO_WEEKS)
    headers = await sign_in_receptionist(db, client)
    appointment = await book_by_staff(client, practice, headers=headers)
    await run_worker(db)
    await issue(client, await only_invoice(client))
    assert (await client.post(appointment["undo"]["url"], headers=headers)).status_code == 200
    await run_worker(db)
    assert await invoices_for(client, appointment) == [("visit", "issued", 0)]


async def correct(client, invoice, amount: int) -> None:
    body = {"lines": [{"description": "Correction", "unitAmount": amount}]}
    response = await client.post(f"/api/invoices/{invoice['id']}/creditNote", json=body, headers=ADMIN)
    assert response.status_code == 201, response.text


async def test_a_cancellation_takes_off_what_an_earlier_credit_note_has_left(client, db, practice):
    await set_policy(client, practice, invoicesAt="booking")
    appointment = await book_by_staff(client, practice)
    await run_worker(db)
    await correct(client, await issue(client, await only_invoice(client)), HALF)
    await cancel(client, appointment)
    await run_worker(db)
    assert await invoices_for(client, appointment) == [("visit", "issued", 0)]
    assert await db.fetchval("select sum(total) from invoice where kind = 'creditNote'") == PRICE


async def test_a_credit_note_for_a_fee_reduces_the_fees_and_not_the_revenue(client, db, practice):
    await set_policy(client, practice, noShowFeeAmount=3000)
    appointment = await book_by_staff(client, practice)
    await take_steps(db, client, appointment, "noShow")
    await run_worker(db)
    await correct(client, await issue(client, await only_invoice(client)), 1000)
    rules = await db.fetch("select debit, credit, amount from transfer order by id")
    assert [tuple(rule) for rule in rules] == [("receivable", "fees", 3000), ("fees", "receivable", 1000)]


async def test_a_draft_is_deleted_when_its_appointment_is_cancelled(client, db, practice):
    await set_policy(client, practice, invoicesAt="booking")
    appointment = await book_by_staff(client, practice)
    await run_worker(db)
    await cancel(client, appointment)
    await run_worker(db)
    assert await invoices_for(client, appointment) == []


async def test_a_cancellation_is_settled_once_however_often_it_is_billed(client, db, practice):
    await set_policy(client, practice, **DEPOSIT_OF_A_QUARTER)
    appointment = await book_with_deposit(db, client, practice)
    await cancel(client, appointment)
    await run_worker(db)
    await db.execute("update appointment_bill set due_at = now() - interval '1 minute'")
    await asyncio.gather(*(billing.bill_due(db, now=clock.now()) for _ in range(4)))
    assert await refunds_of(db) == [("method", QUARTER)]


async def test_a_no_show_leads_to_a_fee_that_staff_issue_or_waive(client, db, practice):
    await set_policy(client, practice, noShowFeeAmount=3000)
    appointment = await book_by_staff(client, practice)
    await take_steps(db, client, appointment, "noShow")
    await run_worker(db)
    assert await invoices_for(client, appointment) == [("noShow", "draft", 3000)]


async def test_a_fee_is_issued_at_once_if_that_is_the_policy_and_the_deposit_pays_it(client, db, practice):
    await set_policy(client, practice, noShowFeeAmount=3000, issuesFees=True, **DEPOSIT_OF_A_QUARTER)
    appointment = await book_with_deposit(db, client, practice)
    await take_steps(db, client, appointment, "noShow")
    await run_worker(db)
    assert await invoices_for(client, appointment) == [("noShow", "issued", 3000 - QUARTER)]


async def test_a_no_show_who_arrives_after_all_owes_no_fee(client, db, practice):
    await set_policy(client, practice, noShowFeeAmount=3000)
    appointment = await book_by_staff(client, practice)
    await take_steps(db, client, appointment, "noShow")
    await run_worker(db)
    response = await client.post(f"/api/appointments/{appointment['id']}/arrive", headers=ADMIN)
    assert response.status_code == 200, response.text
    await run_worker(db)
    assert await invoices_for(client, appointment) == []


async def test_waiving_a_fee_returns_the_deposit_and_leaves_the_reason_in_the_audit_log(client, db, practice):
    await set_policy(client, practice, depositRefundMinutes=20_160, **DEPOSIT_OF_A_QUARTER)
    appointment = await book_with_deposit(db, client, practice)
    await cancel(client, appointment)
    await run_worker(db)
    fee = await only_invoice(client)
    response = await client.post(f"/api/invoices/{fee['id']}/waive", json={"reason": "Snowstorm"}, headers=ADMIN)
    assert response.status_code == 200, response.text
    assert response.json()["returned"]["amount"] == QUARTER
    assert await invoices_for(client, appointment) == []
    assert await refunds_of(db) == [("method", QUARTER)]
    reasons = await db.fetch("select reason from audit_unsealed where action = 'waiveFee'")
    assert "Snowstorm" in [row.reason for row in reasons]


async def test_only_drafts_of_fees_can_be_waived(client, db, practice):
    await set_policy(client, practice, noShowFeeAmount=3000, issuesFees=True)
    appointment = await book_by_staff(client, practice)
    await take_steps(db, client, appointment, "noShow")
    await run_worker(db)
    fee = await only_invoice(client)
    response = await client.post(f"/api/invoices/{fee['id']}/waive", json={"reason": "Snowstorm"}, headers=ADMIN)
    assert (response.status_code, response.json()["type"]) == (409, "/problems/invoice-issued")


async def test_an_expired_hold_costs_nothing(client, db, practice):
    await set_policy(client, practice, **DEPOSIT_OF_A_QUARTER, **HALF_WITHIN_TWO_WEEKS)
    appointment = await book_by_staff(client, practice)
    await db.execute(
        "update appointment set status = 'cancelled', cancel_cause = 'hold-expired' where id = $1",
        UUID(appointment["id"]),
    )
    await run_worker(db)
    assert await invoices_for(client, appointment) == []
