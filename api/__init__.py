"""The ways in, HTTP and the command line: translate, open the transaction, answer."""
