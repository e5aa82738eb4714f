"""When: the outbox worker, the clock and the sweeps."""
