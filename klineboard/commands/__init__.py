"""What the collector's door can be told to do: options, words, exit codes."""
