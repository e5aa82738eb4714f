"""The pages that an owner sees."""
