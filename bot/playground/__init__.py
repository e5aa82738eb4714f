"""A demonstration that runs the whole service against emulated providers."""
