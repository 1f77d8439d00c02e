"""Terms of rewards and what they allow a member: decided with plain values."""
