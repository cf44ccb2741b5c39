"""Amounts in the payment provider's units, for every currency in use."""

import pytest
from babel.numbers import get_currency_precision

from appoint.kit.money import Money, currencies_in_use
from appoint.payments.checkout.currencies import UnsupportedAmount, from_provider, to_provider


@pytest.mark.parametrize("currency", sorted(currencies_in_use()))
def test_a_thousand_in_any_currency_comes_back_unchanged_or_is_refused(currency):
    """The provider's decimals are its own, so they are not taken from ours."""
    money = Money(1000 * 10 ** get_currency_precision(currency), currency)
    try:
        sent = to_provider(money)
    except UnsupportedAmount:
        assert get_currency_precision(currency) > 2
        return
    assert sent in (1000, 100_000, 1_000_000)
    assert from_provider(sent, currency.lower()) == money


@pytest.mark.parametrize(
    ("amount", "currency", "sent"),
    [
        (1250, "EUR", 1250),
        (1250, "JPY", 1250),
        (1250, "XOF", 1250),
        (1250, "ISK", 125_000),
        (1250, "UGX", 125_000),
        (1250, "HUF", 1250),
        (12_500, "KWD", 12_500),
        (1250, "LAK", 125_000),
        (1, "USD", 1),
    ],
)
def test_amounts_are_sent_as_the_provider_counts_them(amount, currency, sent):
    assert to_provider(Money(amount, currency)) == sent
    assert from_provider(sent, currency.lower()) == Money(amount, currency)


@pytest.mark.parametrize(
    ("amount", "currency"),
    [(0, "EUR"), (12_501, "KWD"), (10**12, "EUR"), (10**18, "JPY"), (10**10, "ISK"), (1000, "LYD")],
)
def test_an_amount_that_the_provider_cannot_express_is_refused(amount, currency):
    with pytest.raises(UnsupportedAmount):
        to_provider(Money(amount, currency))


@pytest.mark.parametrize(("amount", "currency"), [(125_050, "isk"), (150, "ugx")])
def test_a_reported_fraction_of_our_minor_unit_is_refused(amount, currency):
    with pytest.raises(UnsupportedAmount):
        from_provider(amount, currency)
