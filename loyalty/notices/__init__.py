"""Messages (短信) to be sent: written with what they tell of, given out once, then erased."""
