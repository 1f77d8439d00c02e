"""Counter codes (核销码): a one-time code the owner shows and a desk verifies (F32, F39)."""
