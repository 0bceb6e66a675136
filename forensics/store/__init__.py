"""The case file: one DuckDB database. The only room that imports duckdb."""
