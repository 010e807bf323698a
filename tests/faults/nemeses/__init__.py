"""What is done to a running shop, one by one and in mixtures."""
