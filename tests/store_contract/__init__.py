"""What every store does, run on each of them."""
