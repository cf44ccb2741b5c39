"""The date of service (article 226 (7) of the VAT directive): entered by staff, the appointment's, or that of issue."""

from datetime import date
from uuid import UUID

import pytest

from appoint.kit import clock
from appoint.payments.documents import service as documents
from support.app import ADMIN
from support.bills import book_by_staff
from support.deposits import create_paid_practice
from support.invoices import create_clinic_with_patient, issue
from support.manage_links import START

EARLIER = date(2026, 12, 30)


async def supplied_on(db, invoice: dict) -> list[date | None]:
    document = await documents.get_document(db, UUID(invoice["id"]))
    return [line.supplied_on for line in document.lines]


def line(**members):
    return {"description": "Check-up", "unitAmount": 100, **members}


async def test_a_line_without_an_appointment_has_the_date_that_staff_enter_or_the_date_of_issue(client, db):
    ana = await create_clinic_with_patient(client)
    invoice = await issue(client, ana, lines=[line(suppliedOn=f"{EARLIER}"), line()])
    assert [each["suppliedOn"] for each in invoice["lines"]] == [f"{EARLIER}", None]
    assert await supplied_on(db, invoice) == [EARLIER, clock.now().date()]


async def test_a_credit_note_states_the_same_date_as_the_corrected_invoice(client, db):
    ana = await create_clinic_with_patient(client)
    invoice = await issue(client, ana, lines=[line(suppliedOn=f"{EARLIER}")])
    response = await client.post(f"/api/invoices/{invoice['id']}/creditNote", json={}, headers=ADMIN)
    assert response.status_code == 201, response.text
    assert await supplied_on(db, response.json()) == [EARLIER]


async def test_a_line_for_an_appointment_has_its_date_unless_staff_enter_another(client, db):
    practice = await create_paid_practice(db, client)
    appointment_id = (await book_by_staff(client, practice))["id"]
    lines = [line(appointmentId=appointment_id), line(appointmentId=appointment_id, suppliedOn=f"{EARLIER}")]
    assert await supplied_on(db, await issue(client, practice["customerId"], lines=lines)) == [START.date(), EARLIER]


@pytest.mark.parametrize("day", ["2026-02-30", "yesterday", "0000-01-01"])
async def test_days_that_do_not_exist_are_refused(client, day):
    ana = await create_clinic_with_patient(client)
    body = {"customerId": ana, "lines": [line(suppliedOn=day)]}
    assert (await client.post("/api/clinics/1/invoices", json=body, headers=ADMIN)).status_code == 400
