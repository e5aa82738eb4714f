"""What `make` runs beside the program: compiling catalogs, and checks that no library makes."""
