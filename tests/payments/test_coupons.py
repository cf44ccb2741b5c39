"""Coupons: who can use them, for what, and how often."""

import asyncio
from datetime import timedelta

from appoint.payments.coupons import service as coupons
from appoint.payments.coupons.model import Coupon, CouponContent, CouponPatch
from appoint.payments.invoices import service as invoices
from appoint.payments.invoices.model import InvoicePatch
from support.money import NOW, TILL, reason
from support.scale import scaled

RACERS = scaled(100, 40)


async def add(till, **members) -> Coupon:
    content = CouponContent(**{"code": "Spring", "percent": 10, **members})
    return await till.db.atomic(coupons.add, TILL, clinic_id=till.clinic, content=content)


async def test_a_coupon_takes_its_percentage_off_a_line_whatever_the_case_of_its_code(till):
    await add(till)
    invoice = await till.issue(6000, coupon="sPRing")
    assert (invoice.total.amount, invoice.lines[0].discount_amount) == (5400, 600)


async def test_an_amount_takes_at_most_the_price_off(till):
    await add(till, percent=None, amount=7000)
    assert (await till.issue(6000, coupon="SPRING")).total.amount == 0


async def test_a_coupon_cannot_be_used_more_often_than_stated(till):
    await add(till, max_uses=1)
    await till.draft(6000, coupon="SPRING")
    assert await reason(till.draft(6000, coupon="SPRING")) == "coupon-spent"


async def test_a_customer_cannot_use_a_coupon_more_often_than_stated(till):
    await add(till, max_uses=10, max_uses_per_customer=2)
    for _ in range(2):
        await till.draft(6000, coupon="SPRING")
    assert await reason(till.draft(6000, coupon="SPRING")) == "coupon-spent"


async def test_a_deleted_or_changed_draft_gives_its_use_back(till):
    await add(till, max_uses=1)
    draft = await till.draft(6000, coupon="SPRING")
    same = {"invoice_id": draft.id, "if_match": None, "now": NOW}
    await till.db.atomic(invoices.change, TILL, patch=InvoicePatch(lines=[]), **same)
    draft = await till.draft(6000, coupon="SPRING")
    await till.db.atomic(invoices.delete, TILL, invoice_id=draft.id, if_match=None, now=NOW)
    await till.draft(6000, coupon="SPRING")


async def test_racers_use_a_coupon_exactly_as_often_as_stated(till, many_connections):
    await add(till, max_uses=10)
    outcomes = await asyncio.gather(*(reason(till.draft(6000, coupon="SPRING")) for _ in range(RACERS)))
    assert (outcomes.count("accepted"), outcomes.count("coupon-spent")) == (10, RACERS - 10)


async def test_a_coupon_is_not_valid_before_or_after_its_time_or_without_its_type(till):
    assert await reason(till.draft(6000, coupon="SPRING")) == "coupon-not-valid"
    await add(till, code="EARLY", valid_from=NOW + timedelta(days=1))
    await add(till, code="LATE", valid_until=NOW)
    for code in ("EARLY", "LATE"):
        assert await reason(till.draft(6000, coupon=code)) == "coupon-not-valid"


async def test_two_active_coupons_cannot_share_a_code(till):
    coupon = await add(till)
    assert await reason(add(till, code="SPRING")) == "coupon-code-taken"
    await till.db.atomic(coupons.remove, TILL, coupon_id=coupon.id, if_match=None, now=NOW)
    assert await reason(add(till, code="SPRING")) == "accepted"


async def test_a_coupon_cannot_be_limited_to_fewer_uses_than_it_has(till):
    coupon = await add(till, max_uses=5)
    for _ in range(3):
        await till.draft(6000, coupon="SPRING")
    refused = till.db.atomic(coupons.change, TILL, coupon_id=coupon.id, patch=CouponPatch(max_uses=2), if_match=None)
    assert await reason(refused) == "coupon-spent"
