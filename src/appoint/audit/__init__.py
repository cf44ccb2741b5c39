"""The audit trail of changes and disclosures. Entries are sealed, so tampering can be detected."""

from .recording import record as record
from .recording import record_disclosure as record_disclosure
from .refusals import Refusals as Refusals
