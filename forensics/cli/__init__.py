"""The click commands, one file per command; nothing heavy is imported before a command needs it."""
