"""Managers set up coupons and payment rules, and read about revenue and differences, on pages that need no script."""

import re
from datetime import timedelta
from html import unescape
from types import SimpleNamespace
from uuid import UUID

import pytest

from appoint.kit import clock
from support.money import NOW, Till
from support.staff import add_user, bearer, works_at
from support.world import create_appointment_type, create_clinic

COUPONS = "/staff/1/coupons"
RULES = "/staff/1/payment-rules"


@pytest.fixture
async def office(db, client):
    """Lakeside with Mia, its manager, and Rita, its receptionist."""
    await create_clinic(client)
    await works_at(db, await add_user(db))
    await works_at(db, await add_user(db, "rita@example.org", name="Rita"), role="receptionist")
    as_mia, as_rita = await bearer(client), await bearer(client, "rita@example.org")

    async def get(path: str, headers: dict[str, str] = as_mia, **query):
        response = await client.get(path, params=query or None, headers=headers | {"Accept-Language": "en"})
        return SimpleNamespace(status=response.status_code, text=unescape(response.text))

    async def send(path: str, headers: dict[str, str] = as_mia, **fields):
        response = await client.post(path, data=fields, headers=headers | {"Accept-Language": "en"})
        return SimpleNamespace(
            status=response.status_code, text=unescape(response.text), to=response.headers.get("Location", "")
        )

    return SimpleNamespace(get=get, send=send, as_rita=as_rita)


def words(page) -> str:
    main = page.text.partition("<main")[2].partition("</main>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


async def test_a_coupon_is_added_changed_and_ended(db, client, office):
    type_id = await create_appointment_type(client)
    fields = {"validFrom": "2027-02-01", "lastDay": "2027-02-28", "maxUses": "5", f"type.{type_id}": "on"}
    assert (await office.send(f"{COUPONS}/new", code="spring", discount="10", **fields)).to == COUPONS
    row = await db.fetchrow("select id, code, percent, upper(valid) as last, max_uses from coupon")
    assert (row.code, row.percent, row.max_uses) == ("SPRING", 10, 5)
    assert f"{row['last']:%d %H}" == "28 23"  # midnight in Berlin
    page = await office.get(f"{COUPONS}/{row.id}")
    assert 'name="lastDay" value="2027-02-28"' in page.text.replace('id="lastDay" ', "") or "2027-02-28" in page.text
    assert (await office.send(f"{COUPONS}/{row.id}", maxUses="3", version="1")).to == COUPONS
    assert await db.fetchval("select max_uses from coupon") == 3
    assert "0 of 3" in words(await office.get(COUPONS))
    await office.send(f"{COUPONS}/{row.id}/end")
    assert "SPRING" not in words(await office.get(COUPONS))
    assert "SPRING" in words(await office.get(COUPONS, status="ended"))


async def test_a_coupon_with_faults_is_not_added(db, office):
    response = await office.send(f"{COUPONS}/new", code="x", discount="10.555", kind="amount", maxUses="many")
    assert (response.status, "Enter an amount" in response.text) == (400, True)
    response = await office.send(f"{COUPONS}/new", code="SPRING", discount="110")
    assert (response.status, "from 1 to 100" in response.text) == (400, True)
    assert await db.fetchval("select count(*) from coupon") == 0


async def test_a_code_that_is_taken_is_refused(office):
    for status in (303, 409):
        assert (await office.send(f"{COUPONS}/new", code="SPRING", discount="10")).status == status


async def test_receptionists_see_coupons_but_do_not_change_them(office):
    assert (await office.get(COUPONS, office.as_rita)).status == 200
    assert (await office.send(f"{COUPONS}/new", office.as_rita, code="SPRING", discount="10")).status == 403


async def test_payment_rules_are_saved_and_shown_again(db, office):
    fields = {
        "depositKind": "percent",
        "deposit": "20",
        "depositRefundHours": "48",
        "rule.0.hours": "48",
        "rule.0.percent": "50",
        "rule.1.hours": "24",
        "rule.1.percent": "100",
        "noShowFee": "25,50",
        "issuesFees": "true",
        "taxCategory": "S",
        "taxRate": "7.7",
        "series": "lake",
        "paymentTermsDays": "30",
    }
    assert (await office.send(RULES, **fields)).to == f"{RULES}?done=saved"
    row = await db.fetchrow("select * from payment_policy")
    assert (row.deposit_percent, row.deposit_refund_minutes, row.no_show_fee_amount) == (20, 2880, 2550)
    assert (row.issues_fees, row.tax_rate, row.series, row.payment_terms_days) == (True, 770, "LAKE", 30)
    rules = await db.fetch("select before_minutes, keep_percent from cancellation_rule order by before_minutes")
    assert [tuple(rule) for rule in rules] == [(1440, 100), (2880, 50)]
    page = await office.get(RULES)
    for name, value in {**fields, "series": "LAKE"}.items():
        if name not in ("depositKind", "issuesFees", "taxCategory", "noShowFee", "taxRate"):
            assert re.search(rf'value="{value}"[^>]*name="{re.escape(name)}"|name="{re.escape(name)}"', page.text), name
    assert re.search(r'value="25[.,]50"', page.text)


async def test_payment_rules_with_faults_are_not_saved(db, office):
    response = await office.send(RULES, depositKind="percent", deposit="120", **{"rule.0.hours": "24"})
    assert response.status == 400
    response = await office.send(RULES, noShowFee="a lot", depositRefundHours="soon")
    assert (response.status, "Enter an amount" in response.text, "number of hours" in response.text) == (
        400,
        True,
        True,
    )
    assert await db.fetchval("select count(*) from payment_policy") == 0


async def test_an_appointment_type_can_have_its_own_rules(db, client, office):
    type_id = await create_appointment_type(client)
    assert (await office.send(f"{RULES}/{type_id}", depositKind="amount", deposit="15")).status == 303
    assert await db.fetchval("select deposit_amount from payment_policy where appointment_type_id is not null") == 1500
    assert (await office.get(f"{RULES}/{type_id}")).status == 200
    assert (await office.get(RULES, office.as_rita)).status == 403


async def test_differences_are_listed_with_what_to_do(db, office):
    await db.execute(
        """
        insert into payment_drift (clinic_id, kind, gateway_id, found_at)
        values (1, 'refund-unknown', 're_1', $1), (1, 'amount-differs', 're_2', $1)
        """,
        clock.now(),
    )
    text = words(await office.get("/staff/1/payment-differences"))
    assert "Someone issued a refund on the provider’s own site." in text
    assert "Compare both amounts" in text


async def test_revenue_is_summed_by_month_and_downloaded(db, client, office):
    till = await Till.make(db)
    await db.execute("update membership set clinic_id = $1", till.clinic)
    invoice = await till.issue(6000, 4000)
    await till.pay(7000, invoice.id)
    await till.correct(invoice.id, 1000)
    path = f"/staff/{till.clinic}/revenue"
    query = {"from": f"{NOW:%Y-%m-%d}", "to": f"{NOW + timedelta(days=3):%Y-%m-%d}"}
    response = await client.get(f"{path}.csv", params=query, headers=await bearer(client))
    assert response.text.splitlines()[1].replace(";", ",") == "2027-03,EUR,100.00,10.00,0.00,70.00,0.00,20.00"
    page = words(await office.get(path, **query))
    assert re.search(r"100[.,]00", page)
    assert re.search(r"70[.,]00\s€ paid, 100[.,]00\s€ issued", page)
    assert UUID(str(till.ana))


async def test_details_on_invoices_are_saved_and_shown_again(db, office):
    page = "/staff/1/invoice-details"
    fields = {"name": "Lakeside GmbH", "address": "Seestraße 12\r\n\r\n 13353 Berlin ", "vatId": "DE 136695976"}
    assert (await office.send(page, **fields, iban="DE02 1203 0000 0000 2020 51")).to == f"{page}?done=saved"
    row = await db.fetchrow("select * from seller")
    assert (row.name, row.address, row.vat_id) == ("Lakeside GmbH", "Seestraße 12\n13353 Berlin", "DE136695976")
    assert 'value="DE02120300000000202051"' in (await office.get(page)).text
    refused = await office.send(page, **fields, iban="DE03")
    assert (refused.status, "is not a valid IBAN" in refused.text, "Lakeside GmbH" in refused.text) == (400, True, True)
    assert (await office.get(page, office.as_rita)).status == 403
