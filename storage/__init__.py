"""What we know: records, the Store protocol, and its SQLite and MongoDB implementations."""
