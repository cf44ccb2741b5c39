"""All operations that change money, in an order that gives each what it needs."""

from typing import Any


async def change_money(run: Any, *, customer_id: str, type_id: str) -> None:
    """Run each operation with `run(operation_id, body, **path_parameters)`, which returns the response's content."""
    await run("replacePaymentPolicy", {"paymentTermsDays": 30}, clinicId=1)
    await run("replaceSeller", {"name": "Lakeside GmbH"}, clinicId=1)
    await run("replacePaymentPolicyOfType", {"depositPercent": 10}, id=type_id)
    coupon = (await run("createCoupon", {"code": "SPRING", "percent": 10}))["id"]
    await run("patchCoupon", {"maxUses": 5}, couponId=coupon)
    await run("removeCoupon", couponId=coupon)
    lines = [{"description": "Check-up", "unitAmount": 6000}]
    draft = {"customerId": customer_id, "lines": lines}
    await run("deleteInvoice", invoiceId=(await run("createInvoice", draft))["id"])
    invoice = (await run("createInvoice", draft))["id"]
    await run("patchInvoice", {"note": "Thank you"}, invoiceId=invoice)
    await run("issueInvoice", invoiceId=invoice)
    await run("createPayLink", invoiceId=invoice)
    await run("revokePayLink", invoiceId=invoice)
    await run("patchPatient", {"email": "ana@example.org"}, customerId=customer_id)
    await run("sendInvoice", invoiceId=invoice)
    cash = {"customerId": customer_id, "method": "cash", "amount": {"amount": 7000, "currency": "EUR"}}
    await run("cancelPayment", paymentId=(await run("recordPayment", cash))["id"])
    payment = (await run("recordPayment", cash))["id"]
    paid = await run("allocatePayment", {"invoiceId": invoice}, paymentId=payment)
    await run("undoAllocation", allocationId=paid["allocations"][0]["id"])
    await run("refundPayment", {"to": "credit"}, paymentId=payment)
    await run("correctInvoice", {}, invoiceId=invoice)
