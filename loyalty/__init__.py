"""Members, their vehicles, points and rewards. Knows nothing of referrals or of HTTP."""
