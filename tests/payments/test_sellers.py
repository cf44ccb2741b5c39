"""Both parties' details on invoices and receipts, frozen when they are issued."""

from io import BytesIO

import pytest
from pypdf import PdfReader

from appoint.kit import errors
from appoint.payments.documents import service as documents
from appoint.payments.documents.exemptions import EXEMPTING_LAWS, EXEMPTIONS
from appoint.payments.sellers import service
from appoint.payments.sellers.model import Seller
from appoint.payments.sellers.numbers import parse_bic, parse_iban, parse_vat_id
from support.money import TILL

LAKESIDE = Seller(
    name="Lakeside GmbH",
    address="Seestraße 12\n13353 Berlin",
    vat_id="DE 136 695 976",
    tax_number="29/815/08155",
    registration="HRB 12345",
    iban="de02 1203 0000 0000 2020 51",
    bic="byladem1001",
)


async def replace(till, content: Seller) -> Seller:
    return await till.db.atomic(service.replace, TILL, clinic_id=till.clinic, content=content)


def test_numbers_are_written_without_separators():
    for text, number in (
        ("de 136.695.976", "DE136695976"),
        ("ATU 1358-5627", "ATU13585627"),
        ("EL 094259216", "EL094259216"),
        ("GB 980 7806 84", "GB980780684"),
        ("CHE-107.787.577 IVA", "CHE107787577IVA"),
        ("FR 40 303 265 045", "FR40303265045"),
        ("ES B-58378431", "ESB58378431"),
    ):
        assert parse_vat_id(text) == number
    assert parse_iban("GB82 WEST 1234 5698 7654 32") == "GB82WEST12345698765432"
    assert parse_bic("byladem1001") == "BYLADEM1001"


@pytest.mark.parametrize("text", ["DE136695977", "136695976", "XX123", "DE", "", "Ω", "DE" + "1" * 28])
def test_wrong_vat_ids_are_refused(text):
    assert parse_vat_id(text) is None


async def test_numbers_with_wrong_check_digits_change_nothing(till):
    wrong = Seller(vat_id="DE136695977", iban="DE03120300000000202051", bic="BYLA")
    with pytest.raises(errors.Invalid) as refusal:
        await replace(till, wrong)
    assert [fault.pointer for fault in refusal.value.faults] == ["#/vatId", "#/iban", "#/bic"]
    with pytest.raises(errors.Invalid):
        await replace(till, Seller(bic="BYLADEM1001"))
    assert await service.get(till.db, till.clinic) == Seller()


async def test_an_invoice_keeps_what_both_parties_had_stated_when_it_was_issued(till, db):
    await db.execute(
        "update customer set postal_address = $1 where id = $2", "Am Fichtenhain 7\n10115 Berlin", till.ana
    )
    await replace(till, LAKESIDE)
    invoice = await till.issue(6000)
    await replace(till, Seller(name="Somebody else"))
    await db.execute("update customer set postal_address = null where id = $1", till.ana)
    document = await documents.get_document(till.db, invoice.id)
    assert document.seller.name == "Lakeside GmbH"
    assert document.seller.address == ("Seestraße 12", "13353 Berlin")
    assert document.buyer.address == ("Am Fichtenhain 7", "10115 Berlin")
    pdf = await documents.get_pdf(till.db, invoice.id)
    text = PdfReader(BytesIO(pdf.content)).pages[0].extract_text()
    for words in (
        "Lakeside GmbH",
        "10115 Berlin",
        "VAT ID DE136695976",
        "Tax number 29/815/08155",
        "HRB 12345",
        "IBAN DE02 1203 0000 0000 2020 51",
        "BIC BYLADEM1001",
        "§ 4 Nr. 14 Buchst. a UStG",
    ):
        assert words in text


def test_every_national_law_belongs_to_a_known_exemption():
    assert {code for _, code in EXEMPTING_LAWS} <= set(EXEMPTIONS)
