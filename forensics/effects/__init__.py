"""What the lines of a log prove was done to the world: one rule file per tool."""
