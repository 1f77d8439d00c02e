"""Rewards: a catalogue of gifts with stock, and their redemption with points."""
