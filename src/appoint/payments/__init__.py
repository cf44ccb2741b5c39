"""Invoices, payments, credit and coupons. One cent of a payment pays for one cent of one invoice."""
