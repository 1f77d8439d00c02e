"""Benefits by tier (会员权益): quotas kept as a ledger of units, lot by lot (F31 to F34)."""
