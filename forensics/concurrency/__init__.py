"""Which concurrency group every run and job of the past was in, with which settings, and by what proof."""
