"""Delivery channels: email, text messages and the development mailbox."""
