"""PDF documents are in PDF/A-3U, complete, and the same whenever they are rendered."""

import re
from datetime import date
from io import BytesIO

import pytest
from pypdf import PdfReader

from appoint.payments.documents.model import Party
from appoint.payments.documents.pdf import render
from appoint.payments.documents.sheet import Sheet
from appoint.payments.documents.wording import invoice_sheet, receipt_sheet
from support.sample_documents import CARE, credit_note, invoice, receipt

ISSUED = date(2027, 3, 2)
LONG_WORD = "Donaudampfschifffahrtsgesellschaftskapitänsmützenreinigungsversicherungspolice"


def read(sheet: Sheet) -> PdfReader:
    return PdfReader(BytesIO(render(sheet, ISSUED)))


def words(reader: PdfReader) -> str:
    """Return the text without spaces: a PDF contains positions rather than spaces."""
    return re.sub(r"\s", "", "".join(page.extract_text() for page in reader.pages))


def embedded_fonts(reader: PdfReader):
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():
            yield font.get_object()


def test_a_pdf_declares_its_standard_and_describes_itself():
    reader = read(invoice_sheet(invoice()))
    assert reader.pdf_header == "%PDF-1.7"
    catalogue = reader.trailer["/Root"]
    metadata = catalogue["/Metadata"].get_data().decode()
    assert "<pdfaid:part>3</pdfaid:part>" in metadata
    assert "<pdfaid:conformance>U</pdfaid:conformance>" in metadata
    assert "Rechnung 2027-000123" in metadata
    assert catalogue["/Lang"] == "de-DE"
    assert len(reader.trailer["/ID"]) == 2


def test_rendering_a_pdf_logs_nothing(caplog):
    with caplog.at_level("INFO"):
        read(invoice_sheet(invoice()))
    assert caplog.messages == []


def test_a_pdf_contains_its_colour_profile_and_every_font():
    reader = read(invoice_sheet(invoice(buyer=Party(name="Łucja Ελένη محمد"))))
    (intent,) = reader.trailer["/Root"]["/OutputIntents"]
    assert intent["/S"] == "/GTS_PDFA1"
    assert b"sRGB" in intent["/DestOutputProfile"].get_data()
    fonts = list(embedded_fonts(reader))
    assert len({font["/BaseFont"] for font in fonts}) >= 2
    for font in fonts:
        (descendant,) = font["/DescendantFonts"]
        assert len(descendant["/FontDescriptor"]["/FontFile2"].get_data()) > 1000
        assert "/CIDToGIDMap" in descendant
        assert "/ToUnicode" in font


def test_a_pdf_contains_nothing_that_the_archive_format_forbids():
    data = render(invoice_sheet(invoice()), ISSUED)
    for forbidden in (b"/Encrypt", b"/JavaScript", b"/Launch", b"/AA", b"/LZWDecode"):
        assert forbidden not in data


@pytest.mark.parametrize(
    "sheet",
    [
        invoice_sheet(invoice()),
        invoice_sheet(invoice(language="en-GB")),
        invoice_sheet(invoice(language="es-ES", paid_amount=500)),
        invoice_sheet(credit_note(language="fr-FR")),
        receipt_sheet(receipt()),
    ],
    ids=["de", "en", "es", "fr", "receipt"],
)
def test_a_pdf_contains_everything_that_its_sheet_says(sheet: Sheet):
    text = words(read(sheet))
    tables = [sheet.lines, *([sheet.taxes] if sheet.taxes else [])]
    expected = [
        *(part for fact in (*sheet.facts, *sheet.totals) for part in (fact.label, fact.value)),
        *(part for table in tables for row in table.rows for cell in row for part in cell),
        *sheet.notes,
        *(line for block in (sheet.seller, sheet.buyer, *sheet.footer) for line in block.lines),
    ]
    assert [part for part in expected if re.sub(r"\s", "", part) not in text] == []


def test_drawing_a_document_again_gives_the_same_bytes():
    assert render(invoice_sheet(invoice()), ISSUED) == render(invoice_sheet(invoice()), ISSUED)
    assert render(invoice_sheet(invoice()), ISSUED) != render(invoice_sheet(invoice(number="2027-000124")), ISSUED)


def test_forty_lines_continue_on_further_pages_with_headings_and_page_numbers():
    services = [(f"Leistung {number}" if number % 7 else LONG_WORD, 1000 + number, CARE) for number in range(1, 41)]
    pages = [page.extract_text() for page in read(invoice_sheet(invoice(*services))).pages]
    assert len(pages) > 2
    for number, page in enumerate(pages, 1):
        assert f"Seite {number} von {len(pages)}" in page
        assert "Einzelpreis" in page or number == len(pages)
    assert all(f"Leistung {number}\n" in "".join(pages) for number in range(1, 41) if number % 7)


@pytest.mark.parametrize(
    "name",
    [
        "محمد بن سلمان آل سعود",
        "שרה כהן",
        "Ольга Иванова",
        "Nguyễn Thị Minh Khai",
        "李小龍 😀",
        LONG_WORD * 3,
        "Ana\u202eSouza\u0000",
        "ﷺ" * 150,
    ],
)
def test_any_name_can_be_drawn(name: str):
    party = Party(name=name, address=("Seestraße 12", "13353 Berlin"))
    text = words(read(invoice_sheet(invoice(("Beratung", 100, CARE), buyer=party, seller=party))))
    assert "Seestraße12" in text


def test_letters_without_a_glyph_are_marked_as_missing():
    text = words(read(invoice_sheet(invoice(buyer=Party(name="李 Ana")))))
    assert "\N{REPLACEMENT CHARACTER}Ana" in text
