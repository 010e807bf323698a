"""How fast it sells, measured on the whole thing."""
