"""When: the outbox worker, the clock, the sweeps."""
