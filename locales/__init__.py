"""The catalogs, one folder per language; compiled ones travel with the package as data."""
