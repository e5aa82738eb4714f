"""The API keeps its contract: over HTTP, on a real SQLite file."""
