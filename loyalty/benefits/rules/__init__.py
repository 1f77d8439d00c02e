"""What benefits decide with plain values: no database, no clock."""
