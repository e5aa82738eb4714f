"""Benchmarks: how near this service comes to the limit of the wire, beside what else one would use. See README.md."""
