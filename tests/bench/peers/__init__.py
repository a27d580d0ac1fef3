"""How others download candles: each in a process of its own, into a table like ours."""
