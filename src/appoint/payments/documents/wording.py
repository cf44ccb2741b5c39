"""Words and figures for invoices, credit notes and receipts."""

from datetime import date
from typing import Final, NamedTuple

from ...kit.i18n import one_line, translatable, translate
from ..tax import TaxGroup
from .exemptions import EXEMPTING_LAWS, EXEMPTIONS
from .formats import Formats
from .model import DocumentLine, InvoiceDocument, InvoiceKind, Party, PaymentMethod, Receipt
from .sheet import Block, Cell, Column, Fact, Sheet, Table


class Words(NamedTuple):
    """What one kind of invoice calls its parts."""

    kind: str
    number: str
    total: str


WORDS: Final[dict[InvoiceKind, Words]] = {
    "invoice": Words(translatable("Invoice"), translatable("Invoice number"), translatable("Total")),
    "creditNote": Words(
        translatable("Credit note"), translatable("Credit note number"), translatable("Total credited")
    ),
}
METHODS: Final[dict[PaymentMethod, str]] = {
    "card": translatable("Card"),
    "cash": translatable("Cash"),
    "transfer": translatable("Bank transfer"),
    "terminal": translatable("Card terminal"),
    "credit": translatable("Credit balance"),
    "goodwill": translatable("Goodwill"),
    "creditNote": translatable("Credit note"),
}


def invoice_sheet(document: InvoiceDocument) -> Sheet:
    """Return an invoice or credit note as people read it."""
    language, words = document.language, WORDS[document.kind]
    formats = Formats(language, document.currency)
    return Sheet(
        language=language,
        title=f"{translate(language, words.kind)} {document.number}",
        seller=_party(document.seller, translate(language, "Issued by")),
        buyer=_party(document.buyer, translate(language, "Recipient")),
        facts=_invoice_facts(document, formats),
        lines=_lines(document, formats),
        taxes=_taxes(document, formats),
        totals=_totals(document, formats),
        notes=_notes(document),
        footer=_footer(document.seller, language),
    )


def receipt_sheet(receipt: Receipt) -> Sheet:
    """Return a receipt as people read it."""
    language, formats = receipt.language, Formats(receipt.language, receipt.currency)
    columns = (
        Column(translate(language, "Invoice"), "left"),
        Column(translate(language, "Invoice date")),
        Column(translate(language, "Amount")),
    )
    rows = tuple(
        (Cell(paid.number), Cell(formats.long_date(paid.issued_on)), Cell(formats.money(paid.amount)))
        for paid in receipt.invoices
    )
    return Sheet(
        language=language,
        title=translate(language, "Receipt {number}", number=receipt.number),
        seller=_party(receipt.seller, translate(language, "Issued by")),
        buyer=_party(receipt.buyer, translate(language, "Received from")),
        facts=(
            Fact(translate(language, "Receipt number"), receipt.number),
            Fact(translate(language, "Paid on"), formats.long_date(receipt.paid_on)),
            Fact(translate(language, "Payment method"), translate(language, METHODS[receipt.method])),
        ),
        lines=Table(translate(language, "Invoices paid"), columns, rows),
        taxes=None,
        totals=(Fact(translate(language, "Amount received"), formats.money(receipt.amount), strong=True),),
        notes=_non_empty(receipt.note),
        footer=_footer(receipt.seller, language),
    )


def _non_empty(*texts: str | None) -> tuple[str, ...]:
    """Return the texts that are not empty."""
    return tuple(text for text in texts if text)


def _party(party: Party, heading: str) -> Block:
    return Block(heading, _non_empty(*map(one_line, (party.name, *party.address))))


def _invoice_facts(document: InvoiceDocument, formats: Formats) -> tuple[Fact, ...]:
    language = document.language
    facts = [
        Fact(translate(language, WORDS[document.kind].number), document.number),
        Fact(translate(language, "Date of issue"), formats.long_date(document.issued_on)),
    ]
    if service_dates := _service_dates(document.lines, formats):
        facts.append(Fact(translate(language, "Date of service"), service_dates))
    if document.corrects:
        facts.append(Fact(translate(language, "Corrects invoice"), document.corrects.number))
        facts.append(Fact(translate(language, "Invoice date"), formats.long_date(document.corrects.issued_on)))
    if document.due_on:
        facts.append(Fact(translate(language, "Payment due"), formats.long_date(document.due_on)))
    if document.buyer.vat_id:
        facts.append(Fact(translate(language, "Your VAT ID"), document.buyer.vat_id))
    return tuple(facts)


def _service_dates(lines: tuple[DocumentLine, ...], formats: Formats) -> str:
    """Return the date of supply, or the first and last one. An empty string means that no line has one."""
    dates: set[date] = {line.supplied_on for line in lines if line.supplied_on}
    return formats.date_range(min(dates), max(dates)) if dates else ""


def _lines(document: InvoiceDocument, formats: Formats) -> Table:
    language = document.language
    has_discounts = any(line.discount_amount for line in document.lines)
    has_dates = len({line.supplied_on for line in document.lines}) > 1
    has_taxes = any(group.rate for group in document.groups)
    columns = [
        Column(translate(language, "Service"), "left"),
        *([Column(translate(language, "Date"))] if has_dates else []),
        Column(translate(language, "Quantity")),
        Column(translate(language, "Unit price")),
        *([Column(translate(language, "Discount"))] if has_discounts else []),
        *([Column(translate(language, "VAT"))] if has_taxes else []),
        Column(translate(language, "Amount")),
    ]
    rows: list[tuple[Cell, ...]] = []
    for line in document.lines:
        amount = line.amounts.gross if document.prices_include_tax else line.amounts.net
        cells = [Cell(one_line(line.description), one_line(line.details))]
        if has_dates:
            cells.append(Cell(formats.short_date(line.supplied_on) if line.supplied_on else ""))
        cells += [Cell(formats.number(line.quantity)), Cell(formats.money(line.unit_amount))]
        if has_discounts:
            cells.append(Cell(formats.money(-line.discount_amount) if line.discount_amount else ""))
        if has_taxes:
            cells.append(Cell("–" if line.tax.category in ("E", "O") else formats.rate(line.tax.rate)))
        rows.append((*cells, Cell(formats.money(amount))))
    return Table(translate(language, "Services"), tuple(columns), tuple(rows))


def _taxes(document: InvoiceDocument, formats: Formats) -> Table | None:
    language = document.language
    if not any(group.rate for group in document.groups):
        return None
    columns = (
        Column(translate(language, "VAT"), "left"),
        Column(translate(language, "Net amount")),
        Column(translate(language, "VAT amount")),
        Column(translate(language, "Gross amount")),
    )
    rows = tuple(
        (
            Cell(_group_name(group, language, formats)),
            *(Cell(formats.money(amount)) for amount in (group.net, group.tax, group.gross)),
        )
        for group in document.groups
    )
    return Table(translate(language, "VAT per rate"), columns, rows)


def _group_name(group: TaxGroup, language: str, formats: Formats) -> str:
    if group.category == "E":
        return translate(language, "Exempt")
    return translate(language, "Not subject to VAT") if group.category == "O" else formats.rate(group.rate)


def _totals(document: InvoiceDocument, formats: Formats) -> tuple[Fact, ...]:
    language, total = document.language, document.total
    facts: list[Fact] = []
    if any(group.rate for group in document.groups):
        facts.append(Fact(translate(language, "Net total"), formats.money(total.net)))
        facts.append(Fact(translate(language, "VAT"), formats.money(total.tax)))
    label = translate(language, WORDS[document.kind].total)
    facts.append(Fact(label, formats.money(total.gross), strong=True))
    if document.paid_amount:
        facts.append(Fact(translate(language, "Already paid"), formats.money(-document.paid_amount)))
        due = formats.money(total.gross - document.paid_amount)
        facts.append(Fact(translate(language, "Amount due"), due, strong=True))
    return tuple(facts)


def _notes(document: InvoiceDocument) -> tuple[str, ...]:
    language = document.language
    reasons = dict.fromkeys(reason for group in document.groups for reason in group.reasons)
    has_taxes = any(group.rate for group in document.groups)
    prices = translate(language, "Prices include VAT.") if document.prices_include_tax else ""
    return _non_empty(
        document.corrects and document.corrects.reason,
        prices if has_taxes else "",
        *(_reason(reason, document.seller.country, language) for reason in reasons),
        document.payment_terms,
        document.note,
    )


def _reason(reason: str, country: str | None, language: str) -> str:
    """Return a sentence for a VATEX code, with the country's own law if Appoint has it. A reason in the clinic's own
    words is returned as it is."""
    if law := EXEMPTING_LAWS.get((country, reason)):
        return translate(language, "Exempt from VAT under {law}.", law=law)
    if sentence := EXEMPTIONS.get(reason):
        return translate(language, sentence)
    if reason.startswith("VATEX-"):
        return translate(language, "Exempt from VAT ({code}).", code=reason)
    return reason


def _in_groups(iban: str) -> str:
    """Return an IBAN as people read it, in groups of four."""
    return " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))


def _footer(seller: Party, language: str) -> tuple[Block, ...]:
    account = seller.bank_account
    blocks = (
        Block(seller.name, _non_empty(*seller.address)),
        Block(translate(language, "Contact"), _non_empty(seller.phone, seller.email, seller.website)),
        Block(
            translate(language, "Tax and registration"),
            _non_empty(
                seller.vat_id and translate(language, "VAT ID {number}", number=seller.vat_id),
                seller.tax_number and translate(language, "Tax number {number}", number=seller.tax_number),
                seller.registration,
            ),
        ),
        Block(
            translate(language, "Bank account"),
            _non_empty(account.holder, f"IBAN {_in_groups(account.iban)}", account.bic and f"BIC {account.bic}")
            if account
            else (),
        ),
    )
    return tuple(block for block in blocks if block.lines)
