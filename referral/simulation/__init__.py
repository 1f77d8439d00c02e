"""Invented cases through the real rules of verification; pure, no database, nobody's data."""
