"""Live ingest: everything GitHub still has about a repository's runs, once, within the limits, through any fault.

::

    address, credential   where to ask, and as whom
    limits, verdict       what an answer means and when the next may be asked for
    client, download      one request with its waits and retries; one archive, checked before it is believed
    windows               a span of time cut so that no search is capped
    queue                 what is still to be asked, in the store, so that a killed ingest goes on
    files                 which workflow file defined a run
    crawl                 the whole story: list, describe, suspect, fetch

Rules and their sources: shared facts on GitHub's REST API (the rows of its fault matrix are named in the tests).
"""
