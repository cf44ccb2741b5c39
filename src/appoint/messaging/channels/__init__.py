"""Delivery channels: e-mail, text messages, and the development mailbox."""
