"""PostgreSQL and the CSV files: the only place that knows SQL."""
