"""The database schema as numbered steps: a thin Python file beside the SQL it runs."""
