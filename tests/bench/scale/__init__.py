"""What grows with the number of orders: sold by the million, measured, drawn."""
