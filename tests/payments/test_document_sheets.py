"""What invoices, credit notes and receipts say, in the language of their recipient."""

from datetime import date

import msgspec
import pytest

from appoint.payments.documents.model import CorrectedInvoice, InvoiceDocument, Party
from appoint.payments.documents.sheet import Sheet, Table
from appoint.payments.documents.wording import invoice_sheet, receipt_sheet
from appoint.payments.tax import NOT_SUBJECT_TO_TAX, Tax
from support.sample_documents import BUYER, CARE, SELLER, credit_note, invoice, receipt

LANGUAGES = ["de-DE", "en-GB", "es-ES", "fr-FR"]


def facts(sheet: Sheet) -> dict[str, str]:
    return {fact.label: fact.value for fact in (*sheet.facts, *sheet.totals)}


def texts(table: Table | None) -> list[list[str]]:
    assert table
    return [[cell.text.replace("\xa0", " ") for cell in row] for row in table.rows]


def test_an_invoice_states_what_the_vat_directive_requires():
    sheet = invoice_sheet(invoice(language="en-IE", buyer=Party(name="Souza Ltd", vat_id="IE1234567WA")))
    assert sheet.title == "Invoice 2027-000123"
    assert sheet.seller.lines == (SELLER.name, *SELLER.address)
    assert facts(sheet) == {
        "Invoice number": "2027-000123",
        "Date of issue": "2 March 2027",
        "Date of service": "1 March 2027",
        "Payment due": "16 March 2027",
        "Your VAT ID": "IE1234567WA",
        "Net total": "€225.50",
        "VAT": "€19.00",
        "Total": "€244.50",
    }
    assert texts(sheet.lines) == [
        ["Erstgespräch", "1", "€80.00", "–", "€80.00"],
        ["Ultraschall", "1", "€45.50", "–", "€45.50"],
        ["Peeling", "1", "€119.00", "19%", "€119.00"],
    ]
    assert texts(sheet.taxes) == [["19%", "€100.00", "€19.00", "€119.00"], ["Exempt", "€125.50", "€0.00", "€125.50"]]
    assert sheet.notes == (
        "Prices include VAT.",
        "Exempt from VAT: care by the medical professions (article 132 (1)(c) of Directive 2006/112/EC).",
    )
    assert ("VAT ID DE123456789", "Ärztekammer Berlin") in [block.lines for block in sheet.footer]


def test_an_invoice_without_tax_has_no_table_of_taxes():
    sheet = invoice_sheet(invoice(("Consultation", 2500, CARE), language="fr-FR"))
    assert sheet.taxes is None
    assert facts(sheet)["Total"] == "25,00\xa0€"
    assert [column.label for column in sheet.lines.columns] == ["Prestation", "Quantité", "Prix unitaire", "Montant"]


def test_prices_without_tax_are_added_up_before_tax():
    sheet = invoice_sheet(invoice(language="en-GB", currency="GBP", prices_include_tax=False))
    assert (facts(sheet)["Net total"], facts(sheet)["VAT"]) == ("£244.50", "£22.61")
    assert facts(sheet)["Total"] == "£267.11"
    assert "Prices include VAT." not in sheet.notes


def test_what_was_paid_before_reduces_the_amount_due():
    sheet = invoice_sheet(invoice(language="en-IE", paid_amount=2000))
    assert (facts(sheet)["Already paid"], facts(sheet)["Amount due"]) == ("−€20.00", "€224.50")


def test_discounts_and_different_dates_have_their_own_columns():
    document = invoice(language="en-IE")
    first = msgspec.structs.replace(document.lines[0], discount_amount=500, supplied_on=date(2027, 2, 26))
    sheet = invoice_sheet(msgspec.structs.replace(document, lines=(first, *document.lines[1:])))
    assert texts(sheet.lines)[:2] == [
        ["Erstgespräch", "26 Feb 2027", "1", "€80.00", "−€5.00", "–", "€80.00"],
        ["Ultraschall", "1 Mar 2027", "1", "€45.50", "", "–", "€45.50"],
    ]
    assert facts(sheet)["Date of service"] == "26 February 2027 – 1 March 2027"


def test_a_credit_note_names_the_invoice_and_the_reason():
    sheet = invoice_sheet(credit_note())
    assert sheet.title == "Rechnungskorrektur G-2027-000004"
    assert facts(sheet)["Korrigierte Rechnung"] == "2027-000123"
    assert facts(sheet)["Gutgeschriebener Betrag"] == "119,00\xa0€"
    assert sheet.notes[0] == "Das Peeling fand nicht statt."


def test_a_receipt_lists_the_invoices_that_were_paid():
    sheet = receipt_sheet(receipt(language="es-ES"))
    assert sheet.title == "Recibo Q-2027-000042"
    assert facts(sheet)["Forma de pago"] == "Tarjeta"
    assert facts(sheet)["Importe recibido"] == "200,00\xa0€"
    assert [row[0] for row in texts(sheet.lines)] == ["2027-000123", "2027-000124"]


@pytest.mark.parametrize(
    ("currency", "price", "text"),
    [("JPY", 5000, "JP¥5,000"), ("KWD", 12345, "KWD12.345"), ("EUR", 10**12, "€10,000,000,000.00")],
)
def test_amounts_have_their_currencys_decimals(currency: str, price: int, text: str):
    sheet = invoice_sheet(invoice(("Check-up", price, CARE), language="en-IE", currency=currency))
    assert facts(sheet)["Total"] == text


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        (NOT_SUBJECT_TO_TAX, "Not subject to VAT."),
        ("VATEX-EU-132-1D", "Exempt from VAT (VATEX-EU-132-1D)."),
        ("Small business under national law.", "Small business under national law."),
    ],
)
def test_reasons_are_sentences(reason: str, sentence: str):
    assert sentence in invoice_sheet(invoice(("Fee", 100, Tax("E", 0, reason)), language="en-IE")).notes


def test_line_breaks_and_direction_marks_in_names_are_removed():
    buyer = Party(name="Ana\nSouza\u202e", address=("", "  ", "Berlin"))
    assert invoice_sheet(invoice(buyer=buyer)).buyer.lines == ("Ana Souza", "Berlin")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_its_own_words(language: str):
    changes = {"language": language, "corrects": CorrectedInvoice(number="1", issued_on=date(2027, 1, 2))}
    english = {fact.label for fact in invoice_sheet(credit_note(**(changes | {"language": "en-GB"}))).facts}
    labels = {fact.label for fact in invoice_sheet(credit_note(**changes)).facts}
    assert len(labels & english) == (len(english) if language == "en-GB" else 0)


def test_documents_can_be_stored_as_json():
    for document, type in ((invoice(), InvoiceDocument), (credit_note(buyer=BUYER), InvoiceDocument)):
        assert msgspec.json.decode(msgspec.json.encode(document), type=type) == document
