"""What to do and what to say: conversations, planning, wording, settings. No network, no clock of its own, no driver."""
