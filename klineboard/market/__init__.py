"""The nouns of the market: pure values and rules, without I/O and without a clock."""
