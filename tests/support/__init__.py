"""Plain factories and a client that speaks as any role of a shop."""
