"""One outside provider a file. Sources do not know the storage."""
