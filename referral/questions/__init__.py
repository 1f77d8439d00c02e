"""The callback (回访) questions: what may be asked, what is asked, how an answer is marked."""
