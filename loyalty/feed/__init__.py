"""The CRM feed (F16): files of members, vehicles, opening balances and facts, taken row by row, and
of documents, taken set by set; a row that is refused stops no other."""
