"""Request and answer shapes. Schemas refuse what they do not know; rules live in the domain."""
