"""Invoices, payments, coupons, policies and the ledger over HTTP."""

import csv
import io

import pytest

from support.app import ADMIN
from support.world import create_clinic


@pytest.fixture
async def ana(client) -> str:
    await create_clinic(client)
    body = {"name": "Ana", "email": "ana@example.org"}
    return (await client.post("/api/clinics/1/patients", json=body, headers=ADMIN)).json()["customerId"]


async def post(client, path, **body):
    return await client.post(f"/api{path}", json=body, headers=ADMIN)


async def issue(client, ana, *amounts):
    lines = [{"description": "Check-up", "unitAmount": amount} for amount in amounts]
    draft = (await post(client, "/clinics/1/invoices", customerId=ana, lines=lines)).json()
    return (await client.post(f"/api/invoices/{draft['id']}/issue", headers=ADMIN)).json()


async def pay(client, ana, amount, *invoices, **members):
    body = {
        "customerId": ana,
        "method": "cash",
        "amount": {"amount": amount, "currency": "EUR"},
        "allocations": [{"invoiceId": invoice["id"]} for invoice in invoices],
        **members,
    }
    return await post(client, "/clinics/1/payments", **body)


async def test_an_invoice_is_drafted_issued_and_paid(client, ana):
    invoice = await issue(client, ana, 6000)
    payment = (await pay(client, ana, 6000, invoice)).json()
    paid = (await client.get(f"/api/invoices/{invoice['id']}", headers=ADMIN)).json()
    assert (paid["settled"], paid["open"], payment["free"]["amount"]) == (True, {"amount": 0, "currency": "EUR"}, 0)


async def test_a_repeated_payment_is_recorded_once(client, ana):
    body = {"customerId": ana, "method": "cash", "amount": {"amount": 6000, "currency": "EUR"}}
    headers = ADMIN | {"Idempotency-Key": "once"}
    first = await client.post("/api/clinics/1/payments", json=body, headers=headers)
    again = await client.post("/api/clinics/1/payments", json=body, headers=headers)
    assert (first.json(), again.headers["Idempotent-Replayed"]) == (again.json(), "true")


async def test_a_payment_in_the_meantime_changes_the_versions_of_invoice_and_payment(client, ana):
    invoice = await issue(client, ana, 6000)
    payment = (await pay(client, ana, 6000)).json()
    await post(client, f"/payments/{payment['id']}/allocate", invoiceId=invoice["id"])
    refund = await client.post(
        f"/api/payments/{payment['id']}/refund",
        json={"to": "credit"},
        headers=ADMIN | {"If-Match": f'"{payment["version"]}"'},
    )
    assert refund.status_code == 412
    current = (await client.get(f"/api/invoices/{invoice['id']}", headers=ADMIN)).json()
    assert current["version"] > invoice["version"]


async def test_a_refund_becomes_credit(client, ana):
    payment = (await pay(client, ana, 6000)).json()
    refund = (await post(client, f"/payments/{payment['id']}/refund", to="credit")).json()
    credit = (await client.get(f"/api/clinics/1/patients/{ana}/credit", headers=ADMIN)).json()
    assert (refund["status"], credit["amounts"]) == ("succeeded", [{"amount": 6000, "currency": "EUR"}])


async def test_a_credit_note_settles_an_invoice(client, ana):
    invoice = await issue(client, ana, 6000)
    note = await post(client, f"/invoices/{invoice['id']}/creditNote", reason="Wrong patient")
    assert (note.status_code, note.json()["number"][:3], note.json()["correctsId"]) == (201, "CN-", invoice["id"])


async def test_undoing_an_allocation_opens_the_invoice(client, ana):
    invoice = await issue(client, ana, 6000)
    payment = (await pay(client, ana, 6000, invoice)).json()
    allocation = payment["allocations"][0]["id"]
    undone = await client.delete(f"/api/allocations/{allocation}", headers=ADMIN)
    assert undone.json()["free"]["amount"] == 6000


async def test_invoices_can_be_listed_by_whether_they_are_open(client, ana):
    first, second = await issue(client, ana, 6000), await issue(client, ana, 4000)
    await pay(client, ana, 6000, first)
    listed = (await client.get("/api/clinics/1/invoices?status=open", headers=ADMIN)).json()["items"]
    assert [invoice["id"] for invoice in listed] == [second["id"]]


async def test_a_coupon_is_added_changed_and_removed(client, ana):
    coupon = (await post(client, "/clinics/1/coupons", code="spring", percent=10)).json()
    path = f"/api/coupons/{coupon['id']}"
    changed = await client.patch(path, json={"maxUses": 5}, headers=ADMIN)
    assert (changed.json()["code"], changed.json()["maxUses"]) == ("SPRING", 5)
    assert (await client.delete(path, headers=ADMIN)).status_code == 204


async def test_the_ledger_balances_and_can_be_exported(client, ana):
    await pay(client, ana, 6000, await issue(client, ana, 6000))
    path = "/api/clinics/1/ledger"
    listed = (await client.get(f"{path}?from=2027-01-01&to=2027-12-31", headers=ADMIN)).json()["items"]
    assert [(each["debit"], each["credit"]) for each in listed] == [("receivable", "revenue"), ("cash", "receivable")]
    exported = await client.get(f"{path}.csv?from=2027-01-01&to=2027-12-31", headers=ADMIN)
    assert [
        row["rule"] for row in csv.DictReader(io.StringIO(exported.content.decode("utf-8-sig")), delimiter=";")
    ] == ["invoice-net", "paid-cash"]


async def test_a_policy_applies_to_new_invoices(client, ana):
    policy = {"taxCategory": "S", "taxRate": 1900, "series": "LAKE", "paymentTermsDays": 30}
    saved = await client.put("/api/clinics/1/paymentPolicy", json=policy, headers=ADMIN)
    assert policy.items() <= saved.json().items()
    invoice = await issue(client, ana, 11900)
    assert (invoice["lines"][0]["tax"], invoice["number"]) == (1900, "LAKE-2027-000001")


@pytest.mark.parametrize(
    ("amount", "status"),
    [
        ({"amount": 0, "currency": "EUR"}, 400),
        ({"amount": -1, "currency": "EUR"}, 400),
        ({"amount": 10**18, "currency": "EUR"}, 400),
        ({"amount": 1, "currency": "XXQ"}, 400),
        ({"amount": 10**12, "currency": "EUR"}, 201),
    ],
)
async def test_impossible_amounts_are_refused_and_nothing_is_written(client, db, ana, amount, status):
    response = await post(client, "/clinics/1/payments", customerId=ana, method="cash", amount=amount)
    assert (response.status_code, await db.fetchval("select count(*) from payment")) == (status, status == 201)


async def test_a_coupon_code_of_ten_thousand_characters_is_refused(client, ana):
    assert (await post(client, "/clinics/1/coupons", code="x" * 10_000, percent=10)).status_code == 400


async def test_an_invoice_cannot_be_issued_twice(client, ana):
    invoice = await issue(client, ana, 6000)
    again = await client.post(f"/api/invoices/{invoice['id']}/issue", headers=ADMIN)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/invoice-issued")


async def test_another_clinics_invoice_cannot_be_paid(client, db, ana):
    await create_clinic(client, name="Hillside")
    ben = (await client.post("/api/clinics/2/patients", json={"name": "Ben"}, headers=ADMIN)).json()["customerId"]
    lines = [{"description": "Check-up", "unitAmount": 100}]
    draft = (await post(client, "/clinics/2/invoices", customerId=ben, lines=lines)).json()
    await client.post(f"/api/invoices/{draft['id']}/issue", headers=ADMIN)
    payment = (await pay(client, ana, 6000)).json()
    response = await post(client, f"/payments/{payment['id']}/allocate", invoiceId=draft["id"])
    assert response.status_code == 404
