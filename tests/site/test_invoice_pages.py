"""An issued invoice as a page and as a PDF, for its recipient and for staff."""

from io import BytesIO

import pytest
from pypdf import PdfReader

from appoint.kit import clock
from support.app import ADMIN
from support.invoices import create_clinic_with_patient, create_patient, draft, issue, pay
from support.patient_pages import audit_entries, sign_in


@pytest.fixture
async def ana(client) -> str:
    return await create_clinic_with_patient(client)


async def test_staff_download_an_issued_invoice_as_a_pdf_named_after_its_number(client, ana):
    invoice = await issue(client, ana, 6000)
    response = await client.get(f"/api/invoices/{invoice['id']}.pdf", headers=ADMIN)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/pdf")
    assert response.headers["Content-Disposition"] == f'attachment; filename="{invoice["number"]}.pdf"'
    assert f"Invoice {invoice['number']}" in PdfReader(BytesIO(response.content)).pages[0].extract_text()


async def test_a_pdf_that_the_caller_already_has_is_not_sent_again(client, ana):
    path = f"/api/invoices/{(await issue(client, ana, 6000))['id']}.pdf"
    first = await client.get(path, headers=ADMIN)
    again = await client.get(path, headers=ADMIN | {"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content, first.headers["Cache-Control"]) == (304, b"", "no-store")


async def test_a_pdf_has_only_one_address(client, ana):
    invoice = await issue(client, ana, 6000)
    assert (await client.get(f"/api/invoices/{invoice['id']}/.pdf", headers=ADMIN)).status_code == 404


async def test_patients_download_their_own_invoices_and_no_one_elses(client, ana):
    ben = await create_patient(client, name="Ben", email="ben@example.org")
    invoices = [await issue(client, ana, 6000), await issue(client, ben, 6000), await draft(client, ana, 6000)]
    session = await sign_in(client)
    responses = [await client.get(f"/api/invoices/{each['id']}.pdf", headers=session) for each in invoices]
    assert [response.status_code for response in responses] == [200, 404, 404]


async def test_a_draft_has_neither_a_page_nor_a_pdf(client, ana):
    drafted = (await draft(client, ana, 6000))["id"]
    for path in (f"/api/invoices/{drafted}.pdf", f"/staff/1/invoices/{drafted}/document"):
        assert (await client.get(path, headers=ADMIN)).status_code == 404


async def test_a_patients_page_shows_the_invoice_in_its_own_language_and_what_is_left_to_pay(client, db, ana):
    invoice = await issue(client, ana, 6000, language="de")
    response = await client.get(f"/my/invoices/{invoice['id']}", headers=await sign_in(client))
    assert response.headers["Cache-Control"] == "no-store"
    assert f'<h1 id="document-title">Rechnung {invoice["number"]}</h1>' in response.text
    assert '<article class="document" lang="de-DE"' in response.text
    assert "is due by" in response.text
    assert f"/api/invoices/{invoice['id']}.pdf" in response.text
    assert [sorted(entry[2]) for entry in await audit_entries(db, "showOwnInvoice")] == [sorted([invoice["id"], ana])]


async def test_a_paid_invoice_says_so(client, ana):
    invoice = await issue(client, ana, 6000)
    await pay(client, ana, 6000, invoice)
    page = await client.get(f"/staff/1/invoices/{invoice['id']}/document", headers=ADMIN)
    assert "This invoice has been paid." in page.text


async def test_visitors_sign_in_before_they_see_an_invoice(client, ana):
    path = f"/my/invoices/{(await issue(client, ana, 6000))['id']}"
    response = await client.get(path)
    assert (response.status_code, response.headers["Location"]) == (303, f"/sign-in?next={path.replace('/', '%2F')}")


async def test_patients_find_all_their_invoices_with_a_link_to_pay_and_their_credit(client, ana):
    open_one, paid = await issue(client, ana, 6000), await issue(client, ana, 4000)
    await pay(client, ana, 4000, paid)
    await pay(client, ana, 1500, method="goodwill")
    await draft(client, ana, 9900)
    page = (await client.get("/my/invoices", headers=await sign_in(client))).text
    assert (
        page.index("To pay") < page.index(open_one["number"]) < page.index("Paid invoices") < page.index(paid["number"])
    )
    assert [page.count("Pay now"), "15.00" in page, "99.00" in page] == [1, True, False]


async def test_an_overdue_invoice_says_when_it_was_due(client, db, ana):
    invoice = await issue(client, ana, 6000)
    own = await sign_in(client)
    for days, text in ((0, "is due by"), (2, "was due on")):
        await db.execute("update invoice set due_on = $1::date - $2::integer", clock.now().date(), days)
        for path in ("/my/invoices", f"/my/invoices/{invoice['id']}"):
            assert text in (await client.get(path, headers=own)).text, (path, days)
