"""Revisions, in order; `migrations/head.txt` names the last one."""
