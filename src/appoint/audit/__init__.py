"""The audit trail: who changed and saw what. Entries are sealed, so that tampering shows."""

from .recording import record as record
from .recording import record_disclosure as record_disclosure
