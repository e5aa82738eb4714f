"""What is known: the records and the stores that keep them. The lowest room; it imports none of the others."""
