"""The form for payment rules: a policy as text, and the policy that the text describes."""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Final, NamedTuple

from ....http import decoding
from ....kit import errors
from ....kit.i18n import translatable
from ....payments.policies.model import PaymentPolicyContent
from ....payments.tax import MEDICAL_CARE, NOT_SUBJECT_TO_TAX
from .amounts import amount_fault, parse_amount, parse_percent, typed_amount, typed_percent

MINUTES_PER_HOUR: Final = 60
MAX_RULES: Final = 10
BLANK_RULES: Final = 2
"""How many empty rows the cancellation table offers."""
CHOICES: Final = {"invoicesAt": "invoices_at", "refundTo": "refund_to", "taxCategory": "tax_category",
                  "feeTaxCategory": "fee_tax_category"}  # fmt: skip
FLAGS: Final = {
    "issuesFees": "issues_fees",
    "pricesIncludeTax": "prices_include_tax",
    "mailsInvoices": "mails_invoices",
}
WHOLE: Final = {"paymentTermsDays": "payment_terms_days", "retainInvoicesYears": "retain_invoices_years"}


class RuleRow(NamedTuple):
    """One row of the cancellation table as text."""

    hours: str
    percent: str


def typed_rules(content: PaymentPolicyContent, currency: str, language: str) -> dict[str, str]:
    """Return a policy as the form shows it. Fields for what it leaves out are empty."""
    amount, percent = content.deposit_amount, content.deposit_percent
    typed = {
        "depositKind": "percent" if percent else "amount" if amount else "",
        "deposit": str(percent) if percent else typed_amount(amount, currency, language) if amount else "",
        "depositRefundHours": _hours(content.deposit_refund_minutes),
        "noShowFee": ""
        if content.no_show_fee_amount is None
        else typed_amount(content.no_show_fee_amount, currency, language),
        "taxRate": typed_percent(content.tax_rate, language) if content.tax_rate else "",
        "taxReason": content.tax_reason or "",
        "feeTaxRate": typed_percent(content.fee_tax_rate, language) if content.fee_tax_rate else "",
        "series": content.series or "",
    }
    for name, member in CHOICES.items():
        typed[name] = getattr(content, member) or ""
    for name, member in FLAGS.items():
        typed[name] = {None: "", True: "true", False: "false"}[getattr(content, member)]
    for name, member in WHOLE.items():
        value = getattr(content, member)
        typed[name] = "" if value is None else str(value)
    for number, rule in enumerate(sorted(content.cancellation, key=lambda rule: -rule.before_minutes)):
        typed |= {f"rule.{number}.hours": _hours(rule.before_minutes), f"rule.{number}.percent": str(rule.keep_percent)}
    return typed


def _hours(minutes: int | None) -> str:
    """Return minutes as hours: “24”, “0.5”."""
    if minutes is None:
        return ""
    whole, rest = divmod(minutes, MINUTES_PER_HOUR)
    return str(whole) if not rest else f"{minutes / MINUTES_PER_HOUR:.10g}"


def rows_in(typed: Mapping[str, str]) -> list[RuleRow]:
    """Return the rows of the cancellation table, followed by empty ones."""
    rows: list[RuleRow] = []
    for number in count():
        if f"rule.{number}.hours" not in typed or number >= MAX_RULES:
            break
        row = RuleRow(typed[f"rule.{number}.hours"].strip(), typed.get(f"rule.{number}.percent", "").strip())
        if row.hours or row.percent:
            rows.append(row)
    return [*rows, *[RuleRow("", "")] * min(BLANK_RULES, MAX_RULES - len(rows))]


def content_of(form: Mapping[str, str], currency: str, language: str) -> PaymentPolicyContent:
    """Return the policy that the form states. Raise `Invalid` with all faults."""
    faults: list[errors.Fault] = []
    amounts = _Reader(form, currency, language, faults)
    content: dict[str, Any] = {
        **_deposit(form, amounts),
        "depositRefundMinutes": amounts.minutes("depositRefundHours"),
        "cancellation": _cancellation(form, amounts),
        "noShowFeeAmount": amounts.amount("noShowFee"),
        "series": form.get("series", "").strip().upper() or None,
        **_tax(form, amounts),
        **{name: form.get(name) or None for name in CHOICES},
        **{name: {"true": True, "false": False}.get(form.get(name, "")) for name in FLAGS},
        **{name: amounts.whole(name) for name in WHOLE},
    }
    if faults:
        raise errors.Invalid(*faults)
    return decoding.convert(PaymentPolicyContent, content)


class _Reader:
    """Reads fields, and collects the faults."""

    def __init__(self, form: Mapping[str, str], currency: str, language: str, faults: list[errors.Fault]) -> None:
        self._form = form
        self._currency = currency
        self._language = language
        self._faults = faults

    def _read(self, name: str, parse: Callable[[str], int | None], fault: errors.Fault) -> int | None:
        text = self._form.get(name, "").strip()
        value = parse(text) if text else None
        if text and value is None:
            self._faults.append(fault)
        return value

    def amount(self, name: str) -> int | None:
        fault = amount_fault(f"#/{name}", self._currency, self._language)
        return self._read(name, lambda text: parse_amount(text, self._currency), fault)

    def whole(self, name: str) -> int | None:
        fault = errors.Fault(f"#/{name.replace('.', '/')}", translatable("must be a whole number"))
        return self._read(name, lambda text: int(text) if text.isdecimal() and len(text) < 10 else None, fault)

    def percent(self, name: str) -> int | None:
        """Return a percentage in basis points."""
        return self._read(
            name, parse_percent, errors.Fault(f"#/{name}", translatable("must be a percentage, such as 19"))
        )

    def minutes(self, name: str) -> int | None:
        """Return hours as minutes."""
        fault = errors.Fault(f"#/{name.replace('.', '/')}", translatable("must be a number of hours, such as 24"))
        hundredths = self._read(name, parse_percent, fault)
        return None if hundredths is None else round(hundredths * MINUTES_PER_HOUR / 100)

    def require(self, name: str, fault: errors.Fault) -> None:
        if not self._form.get(name, "").strip():
            self._faults.append(fault)


def _deposit(form: Mapping[str, str], reader: _Reader) -> dict[str, int | None]:
    kind = form.get("depositKind", "")
    if kind:
        reader.require("deposit", errors.Fault("#/deposit", translatable("is missing")))
    return {
        "depositAmount": reader.amount("deposit") if kind == "amount" else None,
        "depositPercent": reader.whole("deposit") if kind == "percent" else None,
    }


def _cancellation(form: Mapping[str, str], reader: _Reader) -> list[dict[str, int | None]]:
    rules: list[dict[str, int | None]] = []
    for number in range(MAX_RULES):
        names = f"rule.{number}.hours", f"rule.{number}.percent"
        if any(form.get(name, "").strip() for name in names):
            for name in names:
                pointer = f"#/{name.replace('.', '/')}"
                reader.require(name, errors.Fault(pointer, translatable("is missing")))
            rules.append({"beforeMinutes": reader.minutes(names[0]), "keepPercent": reader.whole(names[1])})
    return rules


def _tax(form: Mapping[str, str], reader: _Reader) -> dict[str, Any]:
    """Return the tax members that suit the chosen categories."""
    category, reason = form.get("taxCategory", ""), form.get("taxReason", "").strip()
    usual = {"E": MEDICAL_CARE, "O": NOT_SUBJECT_TO_TAX}.get(category)
    rate = reader.percent("taxRate") if category == "S" else 0
    fee_rate = reader.percent("feeTaxRate") if form.get("feeTaxCategory") == "S" else 0
    return {
        "taxRate": rate if category else None,
        "taxReason": (reason or usual) if usual else None,
        "feeTaxRate": fee_rate if form.get("feeTaxCategory") else None,
    }
