"""Members (老车主) and their vehicles: who owned which car from when until when."""
