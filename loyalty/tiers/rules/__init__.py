"""What a member is worth and which level that gives: decided with plain values."""
