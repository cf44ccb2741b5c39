"""Invoices, drafted and issued through the API."""

from typing import Any

from support.app import ADMIN
from support.world import create_clinic


async def create_patient(client: Any, *, name: str = "Ana", email: str = "ana@example.org") -> str:
    """Register a patient at the first clinic. Return their id."""
    body = {"name": name, "email": email}
    return (await client.post("/api/clinics/1/patients", json=body, headers=ADMIN)).json()["customerId"]


async def create_clinic_with_patient(client: Any) -> str:
    """Create a clinic in Berlin and a patient called Ana. Return the patient's id."""
    await create_clinic(client)
    return await create_patient(client)


async def draft(client: Any, customer_id: str, *amounts: int, **members: Any) -> dict[str, Any]:
    lines = [{"description": "Check-up", "unitAmount": amount} for amount in amounts]
    body = {"customerId": customer_id, "lines": lines, **members}
    response = await client.post("/api/clinics/1/invoices", json=body, headers=ADMIN)
    assert response.status_code == 201, response.text
    return response.json()


async def issue(client: Any, customer_id: str, *amounts: int, **members: Any) -> dict[str, Any]:
    invoice = await draft(client, customer_id, *amounts, **members)
    response = await client.post(f"/api/invoices/{invoice['id']}/issue", headers=ADMIN)
    assert response.status_code == 200, response.text
    return response.json()


async def pay(client: Any, customer_id: str, amount: int, *invoices: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Record a payment in cash."""
    body = {
        "customerId": customer_id,
        "method": "cash",
        "amount": {"amount": amount, "currency": "EUR"},
        "allocations": [{"invoiceId": invoice["id"]} for invoice in invoices],
        **members,
    }
    response = await client.post("/api/clinics/1/payments", json=body, headers=ADMIN)
    assert response.status_code == 201, response.text
    return response.json()
