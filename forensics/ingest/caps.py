"""How much of an archive is read at most: the same where it is downloaded and where it is loaded."""

from __future__ import annotations

LARGEST_MEMBER = 2 << 30
"""Bytes of one member that are read at most: the text must fit into memory."""

LARGEST_TOTAL = 32 << 30
"""Bytes that one archive may unpack to in all."""

# Deflate reaches 1032:1 and only on runs of one byte. Real run logs came to 4:1 .. 40:1 and a log of one
# repeated line stays below 300:1, so beyond this a large member is a bomb.
BOMB_RATIO = 500
BOMB_SIZE = 64 << 20

MOST_MEMBERS = 250_000
"""Members of one downloaded archive. Real ones have some thousands (jobs times steps), and 100,000 must be read
(fault matrix, row 41), a million must not (row 23): each costs whoever lists them about 700 bytes of memory."""
