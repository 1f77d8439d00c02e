"""The points ledger: double entry with lots. `ledger.py` is the only door to a balance."""
