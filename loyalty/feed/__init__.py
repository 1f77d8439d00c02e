"""The CRM feed: files of members, vehicles and documents, taken row by row (F16)."""
