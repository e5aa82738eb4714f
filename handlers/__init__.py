"""What to do and what to say: decisions and sentences. No network, no clock of its own, no database driver."""
