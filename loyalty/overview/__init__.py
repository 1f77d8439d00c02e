"""What an owner sees first: his balance, his tier and what is missing, what ends next."""
