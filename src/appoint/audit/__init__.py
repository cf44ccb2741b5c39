"""The audit trail of changes and disclosures. Entries are sealed, so that tampering is detectable."""

from .recording import record as record
from .recording import record_disclosure as record_disclosure
