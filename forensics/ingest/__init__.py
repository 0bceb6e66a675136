"""Where data enters: files taken from folders and archives into the evidence folder."""
