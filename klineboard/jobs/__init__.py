"""What the program does, a verb a file."""
