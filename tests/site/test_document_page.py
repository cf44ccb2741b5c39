"""A document's page says the same as its sheet."""

from html import unescape

from appoint.payments.documents.wording import invoice_sheet
from appoint.site.sample_invoice import sample_invoice


async def test_a_documents_page_says_everything_that_its_sheet_says(client):
    page = unescape((await client.get("/design")).text)
    sheet = invoice_sheet(sample_invoice())
    assert sheet.taxes
    expected = [
        sheet.title,
        *(part for fact in (*sheet.facts, *sheet.totals) for part in (fact.label, fact.value)),
        *(column.label for table in (sheet.lines, sheet.taxes) for column in table.columns),
        *(part for table in (sheet.lines, sheet.taxes) for row in table.rows for cell in row for part in cell),
        *sheet.notes,
        *(line for block in (sheet.seller, sheet.buyer, *sheet.footer) for line in (block.heading, *block.lines)),
    ]
    assert [part for part in expected if part not in page] == []


async def test_a_document_has_its_own_language_and_one_heading(client):
    page = (await client.get("/design")).text
    assert '<article class="document" lang="en-IE" aria-labelledby="document-title">' in page
    assert '<h1 id="document-title">Invoice 2027-000123</h1>' in page
