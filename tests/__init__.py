"""The specification: what Vizit does, as sentences that can fail."""
