"""The console: who gets in, what they see, and what they can do."""
