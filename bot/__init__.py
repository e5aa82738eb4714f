"""The edges: processes, channels, web. The only room that touches a wire."""
