"""What decides about a referral: plain values in, a verdict out. No database, no clock."""
