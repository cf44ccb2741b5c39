"""Passkeys (WebAuthn): users sign in with a device that checks their fingerprint, face or PIN."""
