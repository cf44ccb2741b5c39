"""Constraint cases for sellers, receipts and the PDFs of invoices."""

from hashlib import sha256

from support.constraint_rows import MISSING_ID
from support.money_constraint_rows import CASH, CREDIT_NOTE, DRAFT, INVOICE, invoice_pdf, pay_link, receipt, seller

DOCUMENT_CASES = {
    "pay_link_pkey": pay_link(invoice_id=INVOICE),
    "pay_link_number": pay_link(number=1),
    "pay_link_invoice": pay_link(invoice_id=MISSING_ID),
    "receipt_pkey": receipt(payment_id=CASH),
    "receipt_document": receipt(document="[]"),
    "receipt_size": receipt(document="{}", hash=sha256(b"").hexdigest(), content=""),
    "receipt_drawn": receipt(hash=sha256(b"%PDF").hexdigest(), content="%PDF"),
    "receipt_hash": receipt(document="{}", hash="00" * 32, content="%PDF"),
    "receipt_payment": receipt(payment_id=MISSING_ID),
    "seller_pkey": seller(clinic_id=1),
    "seller_name": seller(name=" "),
    "seller_address": seller(address=" "),
    "seller_vat_id": seller(vat_id="136695976"),
    "seller_tax_number": seller(tax_number="9" * 51),
    "seller_registration": seller(registration=" "),
    "seller_account_holder": seller(iban="DE02120300000000202051", account_holder=" "),
    "seller_iban": seller(iban="DE02 1203 0000 0000 2020 51"),
    "seller_bic": seller(iban="DE02120300000000202051", bic="BYLA"),
    "seller_account": seller(bic="BYLADEM1001"),
    "seller_clinic": seller(clinic_id=999),
    "invoice_pdf_pkey": invoice_pdf(invoice_id=CREDIT_NOTE),
    "invoice_pdf_of_issued": invoice_pdf(invoice_id=DRAFT, invoice_status="draft"),
    "invoice_pdf_of": invoice_pdf(invoice_id=DRAFT),
    "invoice_pdf_drawn": invoice_pdf(hash="00" * 32),
    "invoice_pdf_hash": invoice_pdf(hash="00" * 32, content="%PDF"),
    "invoice_pdf_size": invoice_pdf(hash=sha256(b"").hexdigest(), content=""),
}
