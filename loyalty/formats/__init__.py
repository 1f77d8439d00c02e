"""Spellings of Chinese business data (formats.md): one value, one canonical form, or a refusal.

Pure: no clock, no database. Canonical forms feed the blind indexes, so changing one is a migration.
"""
