"""The CRM feed (F16): files of members, vehicles and opening balances, taken row by row, and of
documents, taken set by set; a row that is refused stops no other."""
