"""What is shown, reckoned from plain values."""
