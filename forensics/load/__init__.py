"""From evidence to rows: each evidence file is parsed in a worker process and written in bulk."""
