"""Documents by the thousand (F16): the same rules and results as one by one, set by set."""

from loyalty.earning.bulk.rows import Draft, Reference, Refused, RowResult
from loyalty.earning.bulk.take import take_documents

__all__ = ["Draft", "Reference", "Refused", "RowResult", "take_documents"]
