"""A coupon lowers the deposit everywhere: in the API, on the pages, at the provider and when cancelling."""

import re
from datetime import timedelta
from html import unescape

import pytest

from appoint.kit import clock
from support.app import ADMIN
from support.bills import DEPOSIT_OF_A_QUARTER, cancel, issue, only_invoice, run_worker, set_policy
from support.booking_pages import form_of
from support.confirmation import code_for
from support.deposits import create_paid_practice, hold, pay, pay_path, send_events, state
from support.manage_links import START, times_at, token_headers

PRICE, QUARTER = 8000, 2000


@pytest.fixture
async def practice(db, client):
    practice = await create_paid_practice(db, client)
    await set_policy(client, practice, **DEPOSIT_OF_A_QUARTER)
    await add_coupon(client, code="HALF", percent=50)
    await add_coupon(client, code="FREE", percent=100)
    return practice


async def add_coupon(client, **members) -> None:
    response = await client.post("/api/clinics/1/coupons", json=members, headers=ADMIN)
    assert response.status_code == 201, response.text


async def book_together(client, practice, **members):
    """Book two appointments as a stranger, one after the other."""
    members_of_both = {name: practice[name] for name in ("doctorId", "appointmentTypeId")}
    parts = [{**members_of_both, "startTime": times_at(hours)["startTime"]} for hours in (0, 1)]
    body = {"clinicId": 1, "customerId": practice["customerId"], "appointments": parts, **members}
    response = await client.post("/api/bookings", json=body)
    assert response.status_code == 201, response.text
    return response.json()


def form_address(practice, *, base: str = "/c/lakeside", hours: float = 0, also_hours: float | None = None) -> str:
    type_id, start = practice["appointmentTypeId"], f"{START + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"
    also = "" if also_hours is None else f"&also={type_id}__{START + timedelta(hours=also_hours):%Y-%m-%dT%H:%M:%SZ}__"
    return f"{base}/details?type={type_id}&start={start}{also}"


async def send_form(client, page, **fields: str):
    address, hidden = form_of(page)
    return await client.post(address, data=hidden | {"name": "Ana Souza", "email": "ana@example.org"} | fields)


def shown(page) -> tuple[list[str], str]:
    """Return the amounts above the form's button, and what the button says."""
    block = re.search(r'<dl class="facts" id="price">(.*?)</dl>', page.text, re.DOTALL)
    amounts = re.findall(r"<dd>(?:<strong>)?([^<]+)", block.group(1)) if block else []
    button = re.search(r'<p class="submit".*?<button class="button">([^<]+)</button>', page.text, re.DOTALL).group(1)
    return [re.sub(r"[^\d.,A-Za-z]", "", unescape(amount)).replace(",", ".") for amount in amounts], button


@pytest.mark.parametrize(
    ("policy", "coupon", "deposit"),
    [
        ({"depositPercent": 25}, {"percent": 10}, 1800),
        ({"depositPercent": 25}, {"amount": 999}, 1750),
        ({"depositPercent": 100}, {"percent": 10}, 7200),
        ({"depositAmount": 2500}, {"percent": 10}, 2500),
        ({"depositAmount": 2500}, {"percent": 80}, 1600),
        ({"depositAmount": 2500}, {"amount": 7999}, 1),
        ({"depositAmount": 2500}, {"amount": 8000}, None),
        ({"depositPercent": 25}, {"percent": 100}, None),
    ],
)
async def test_the_deposit_is_computed_from_the_price_with_the_coupon(client, practice, policy, coupon, deposit):
    await set_policy(client, practice, **policy)
    await add_coupon(client, code="GIVEN", **coupon)
    appointment = await hold(client, practice, coupon="given")
    assert appointment.get("payment", {}).get("amount", {}).get("amount") == deposit


async def test_with_a_coupon_for_everything_patients_confirm_with_a_code_instead_of_a_card(client, db, practice):
    appointment = await hold(client, practice, coupon="FREE")
    assert appointment["confirmation"]
    to_pay = await client.get(pay_path(appointment))
    assert (to_pay.status_code, to_pay.headers["Location"]) == (303, f"/appointments/{appointment['manageToken']}")
    path = f"/api/appointments/{appointment['id']}/confirm"
    response = await client.post(path, json={"code": code_for(appointment)}, headers=token_headers(appointment))
    assert response.status_code == 200, response.text
    after = await state(db, appointment)
    assert (after.appointment, after.payments, after.collected) == ("booked", [], 0)


async def test_the_provider_collects_the_lower_deposit_and_the_rest_is_invoiced(client, db, practice):
    await set_policy(client, practice, invoicesAt="booking", **DEPOSIT_OF_A_QUARTER)
    appointment = await hold(client, practice, coupon="HALF")
    assert re.search("10[.,]00", (await client.get(pay_path(appointment))).text)
    await pay(client, appointment)
    await send_events(db, client, now=clock.now())
    after = await state(db, appointment)
    assert (after.appointment, after.payments, after.collected) == ("booked", [("succeeded", QUARTER // 2)], 1000)
    await run_worker(db)
    invoice = await issue(client, await only_invoice(client))
    assert (invoice["total"]["amount"], invoice["open"]["amount"]) == (PRICE // 2, PRICE // 2 - QUARTER // 2)


@pytest.mark.parametrize(("code", "deposits"), [("HALF", (1000, 2000)), ("FREE", (0, 2000))])
async def test_several_appointments_ask_for_the_sum_and_each_gets_its_own_deposit_back(
    client, db, practice, code, deposits
):
    booking = await book_together(client, practice, coupon=code)
    assert booking["payment"]["amount"]["amount"] == sum(deposits)
    for appointment in booking["appointments"]:
        path = f"/api/appointments/{appointment['id']}/confirm"
        refusal = await client.post(path, headers=token_headers(appointment))
        assert (refusal.status_code, refusal.json()["type"]) == (409, "/problems/payment-required")
        assert (await client.get(f"/appointments/{appointment['manageToken']}")).headers["Location"].endswith("/pay")
    await pay(client, booking["appointments"][0])
    await send_events(db, client, now=clock.now())
    for appointment, deposit in zip(booking["appointments"], deposits, strict=True):
        assert (await state(db, appointment)).appointment == "booked"
        await cancel(client, appointment)
        await run_worker(db)  # which also gives the coupon back
        refunds = await db.fetchval("select coalesce(sum(amount), 0)::int from refund where appointment_id = $1",
                                    appointment["id"])  # fmt: skip
        assert refunds == deposit


async def test_a_late_cancellation_costs_a_share_of_the_price_with_the_coupon(client, db, practice):
    await set_policy(client, practice, cancellation=[{"beforeMinutes": 20_160, "keepPercent": 50}])
    appointment = await hold(client, practice, coupon="HALF", hours=0)
    path = f"/api/appointments/{appointment['id']}"
    confirmed = await client.post(f"{path}/confirm", headers=ADMIN)
    assert confirmed.status_code == 200
    for _ in range(2):
        settlement = (await client.get(f"{path}/settlement", headers=ADMIN)).json()
        assert settlement["kept"]["amount"] == PRICE // 4
        await client.delete(path, headers=token_headers(appointment))
        await run_worker(db)


async def test_staff_book_with_a_coupon_and_without_a_deposit(client, db, practice):
    body = {**practice, "startTime": times_at(0)["startTime"], "coupon": "HALF"}
    response = await client.post("/api/appointments", json=body, headers=ADMIN)
    assert (response.json()["status"], response.json().get("payment")) == ("booked", None)
    assert await db.fetchval("select count(*) from coupon_use where released_at is null") == 1


@pytest.mark.parametrize("base", ["/c/lakeside", "/embed/lakeside"])
async def test_the_form_shows_the_lower_deposit_before_its_button(client, db, practice, base):
    page = await client.get(form_address(practice, base=base))
    assert shown(page) == (["20.00"], "Continue to payment")
    half = await send_form(client, page, coupon="half", apply="1")
    assert (half.status_code, *shown(half)) == (200, ["80.00", "40.00", "40.00", "10.00"], "Continue to payment")
    free = await send_form(client, half, coupon="FREE", apply="1")
    assert shown(free) == (["80.00", "80.00", "0.00", "Nothing"], "Book appointment")
    assert "We’ll send a code" in free.text
    assert await db.fetchval("select count(*) from appointment") == 0
    assert await db.fetchval("select count(*) from coupon_use") == 0
    booked = await send_form(client, half, coupon="half")
    to_pay = await client.get(booked.headers["Location"])
    assert (booked.status_code, bool(re.search("10[.,]00", to_pay.text))) == (303, True)
    assert await db.fetchval("select count(*) from coupon_use where appointment_id is not null") == 1


@pytest.mark.parametrize("base", ["/c/lakeside", "/embed/lakeside"])
async def test_the_form_for_several_appointments_shows_and_asks_for_the_sum(client, practice, base):
    page = await client.get(form_address(practice, base=base, also_hours=1))
    assert shown(page) == (["40.00"], "Continue to payment")
    free = await send_form(client, page, coupon="FREE", apply="1")
    assert shown(free) == (["160.00", "80.00", "80.00", "20.00"], "Continue to payment")
    booked = await send_form(client, free, coupon="FREE")
    to_pay = await client.get(booked.headers["Location"])
    assert re.search("20[.,]00", to_pay.text)
    assert "/pay" in booked.headers["Location"] or "/pay" in to_pay.text


async def test_a_coupon_that_is_not_valid_is_explained_at_its_field(client, practice):
    await add_coupon(client, code="OLD", percent=10, validUntil="2020-01-01T00:00:00Z")
    page = await client.get(form_address(practice))
    for code in ("OLD", "UNKNOWN", "x" * 1000):
        refused = await send_form(client, page, coupon=code, apply="1")
        assert refused.status_code == 200
        assert re.search(r'id="coupon-fault">[^<]+<', refused.text)
        assert shown(refused) == (["20.00"], "Continue to payment")
