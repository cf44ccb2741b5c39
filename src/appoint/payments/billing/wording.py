"""Say in words what cancelling costs, and what happens to the money."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from babel.numbers import format_percent
from babel.units import format_unit

from ...kit.i18n import base_language, translatable, translate
from ...kit.money import Money, portion
from ...kit.regions import locale_of
from ..documents.formats import Formats
from ..policies.model import PaymentPolicy
from .model import Settlement, find_rule

UNITS: Final = (("day", 1440, 3), ("hour", 60, 1), ("minute", 1, 0))
"""Units of time with their minutes, and from how many on they are used."""
RETURNS: Final = {
    "method": translatable("You get {amount} back to the card that you paid with, usually within ten days."),
    "credit": translatable("You get {amount} as credit for later visits to this clinic."),
    "ask": translatable("The clinic owes you {amount}, and will ask how you would like to get it back."),
}


class Step(NamedTuple):
    """A change in the cost of cancelling, from this many minutes ahead on."""

    before_minutes: int
    keep_percent: int | None
    """The share of the price that the clinic keeps, or None if it keeps the deposit, which is more."""


def describe_terms(policy: PaymentPolicy, price: Money, language: str) -> list[str]:
    """Return sentences that say what it costs to cancel or miss an appointment with this price. The language can have a
    region."""
    return [*_describe_cancelling(policy, price.amount, language), *_describe_missing(policy, price.currency, language)]


def _describe_cancelling(policy: PaymentPolicy, price: int, language: str) -> Iterator[str]:
    text = base_language(language)
    steps = list(_list_steps(policy, price))
    if steps:
        span = _span(steps[0].before_minutes, language)
        yield translate(text, "You can cancel free of charge until {span} before the appointment.", span=span)
    for step in steps:
        span = _span(step.before_minutes, language)
        if step.keep_percent is None:
            yield translate(text, "If you cancel less than {span} before it, the clinic keeps your deposit.", span=span)
            continue
        yield translate(
            text,
            "If you cancel less than {span} before it, the clinic keeps {share} of the price.",
            span=span,
            share=format_percent(step.keep_percent / 100, locale=locale_of(language)),
        )


def _list_steps(policy: PaymentPolicy, price: int) -> Iterator[Step]:
    """Yield the changes in the cost of cancelling, as `decide` computes it, the earliest first."""
    deposit, cost = policy.deposit(price), 0
    limits = {rule.before_minutes for rule in policy.cancellation} | {policy.deposit_refund_minutes}
    for before_minutes in sorted(limits, reverse=True):
        rule = find_rule(policy.cancellation, before_minutes - 1)
        share = portion(price, percent=rule.keep_percent, amount=None) if rule else 0
        late_deposit = deposit if before_minutes <= policy.deposit_refund_minutes else 0
        if max(share, late_deposit) != cost:
            cost = max(share, late_deposit)
            yield Step(before_minutes, rule.keep_percent if rule and share >= late_deposit else None)


def _describe_missing(policy: PaymentPolicy, currency: str, language: str) -> Iterator[str]:
    if policy.no_show_fee_amount:
        amount = format_money(Money(policy.no_show_fee_amount, currency), language)
        yield translate(base_language(language), "If you miss it, the clinic can charge {amount}.", amount=amount)


def describe_settlement(settlement: Settlement, language: str) -> list[str]:
    """Return sentences that tell a patient what happens to the money for an appointment that does not take place."""
    text, paid, charge, returned = base_language(language), settlement.paid, settlement.kept, settlement.returned
    sentences: list[str] = []
    if returned.amount:
        sentences.append(translate(text, RETURNS[settlement.refund_to], amount=format_money(returned, language)))
    if not charge.amount:
        return sentences
    if charge.amount <= paid.amount:
        sentence = translatable("The clinic keeps {amount} of what you have paid, under its cancellation policy.")
    elif paid.amount:
        sentence = translatable("The clinic can charge you {amount}, including the {paid} that you have already paid.")
    else:
        sentence = translatable("The clinic can charge you {amount} under its cancellation policy.")
    amounts = {"amount": format_money(charge, language), "paid": format_money(paid, language)}
    return [*sentences, translate(text, sentence, **amounts)]


def format_money(money: Money, language: str) -> str:
    """Format an amount as the language and its region do."""
    return Formats(language, money.currency).money(money.amount)


def _span(minutes: int, language: str) -> str:
    """Return a length of time in its largest whole unit: “24 hours”. Days are used only for three days or more."""
    unit, size, _ = next(each for each in UNITS if minutes % each[1] == 0 and minutes >= each[1] * each[2])
    return format_unit(minutes // size, f"duration-{unit}", locale=locale_of(language))
