"""`loyalty demo`: the main stories, played over HTTP by the clients a dealer has."""
