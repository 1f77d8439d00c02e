"""Earning: what a CRM document is worth in points."""
