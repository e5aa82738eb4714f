"""The emulators hold to the rules of their platforms."""
