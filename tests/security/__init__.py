"""What strangers may try, and what comes of it: the rows of SECURITY.md."""
