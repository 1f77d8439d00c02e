"""What every capability stands on: settings, clock, ids, errors, database, unit of work, crypto.

A module belongs here only if two packages need it and it would make sense in a service
about something else.
"""
