"""What an operator runs from the command line: one job a module, no business rules inside."""
