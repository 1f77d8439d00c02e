"""Referrals and the proof that they happened. Pays through `loyalty.points`, knows no HTTP."""
