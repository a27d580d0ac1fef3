"""How the collector's door ends; README and ``--help`` name these."""

OK, SOME_FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130
