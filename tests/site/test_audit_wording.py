"""What the audit log says about actions."""

from appoint.site.staff.audit_actions import SENTENCES


def test_sending_an_invoice_names_no_channel():
    """It can be sent by email or by text message."""
    assert [SENTENCES[action] for action in ("sendInvoice", "sendInvoiceByForm")] == ["{who} sent an invoice"] * 2
