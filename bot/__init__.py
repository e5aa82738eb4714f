"""The edges: processes, channels, web."""
