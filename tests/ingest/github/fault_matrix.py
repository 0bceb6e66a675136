"""The fault matrix of the live ingest: each row, what ingest does, and the test to read first.

``docs/faults.md`` is made from this (``make docs``). The numbers are those by which tests and sources name the rows.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[3]
_NUMBERS = re.compile(r"^test_rows?_((?:\d{1,2}_(?:and_)?)+)")


class Row(NamedTuple):
    """One row."""

    number: int
    fault: str
    does: str
    test: str
    """A test that shows it; its name carries the number, or it stands in `BY_ANOTHER_NAME`."""


BY_ANOTHER_NAME = {
    49: "ended by any signal at any request: the room of stopping and going on",
    50: "killed at random points: the room of stopping and going on",
    52: "the room of locks and of the store's files",
    53: "the room of locks",
    54: "the room of the store's files",
}
"""Rows whose chief test is named for what it shows elsewhere, and where that is."""

NOT_MADE_HERE: dict[int, str] = {}
"""Rows that no test can make on one machine, and why; none so far."""

ROWS = (
    Row(1, "401, a wrong token", "Stops at the first answer, exit 4, names the variable; nothing is lost.",
        "test_row_1_a_wrong_token_stops_at_the_first_request_and_nothing_is_lost"),
    Row(2, "The token expires or is revoked on the way", "As 1; what came is loaded, the next ingest goes on. An "
        "App's token is renewed once.",
        "test_row_2_a_token_revoked_on_the_way_keeps_what_came_and_the_next_ingest_goes_on"),
    Row(3, "403, single sign-on", "Stops with the address to open, exit 4; partial results are warned of.",
        "test_row_3_single_sign_on_stops_with_the_address_and_the_next_ingest_goes_on"),
    Row(4, "403, no permission for one endpoint", "`no-permission` for that kind, said once with the permission it "
        "wants; the rest is taken.",
        "test_row_4_what_a_token_may_not_read_is_said_once_and_the_rest_is_taken"),
    Row(5, "404, repository private or misspelt", "Stops, exit 4: not found, or the token cannot see it.",
        "test_row_5_a_repository_that_cannot_be_seen_is_said_at_once"),
    Row(6, "404, a run or attempt deleted after it was listed", "Tombstone `deleted`; not asked for again.",
        "test_row_6_a_run_deleted_after_it_was_listed_has_a_tombstone"),
    Row(7, "404 or 410, logs expired", "Tombstone `expired` whatever the message says; `not-ready` within an hour "
        "of the run's end, and asked for again.",
        "test_row_7_expired_logs_have_a_tombstone_and_are_not_asked_for_again"),
    Row(8, "410, an endpoint was removed", "Stops with its name, exit 1.",
        "test_row_8_an_endpoint_that_github_removed_stops_with_its_name"),
    Row(9, "422", "A defect of ours: loud, exit 1, not repeated.",
        "test_row_9_a_request_of_ours_that_is_invalid_is_loud_and_not_repeated"),
    Row(10, "451, blocked for legal reasons", "Tombstone `blocked`.",
        "test_row_10_what_is_blocked_has_a_tombstone_and_the_rest_is_taken"),
    Row(11, "301 or 307, repository renamed", "Followed on the API's host only; the case goes over to the new name.",
        "test_row_11_a_renamed_repository_is_one_repository_in_the_case"),
    Row(12, "429 or 403 with `Retry-After`, seconds or date", "Waits that long and a second, by the server's clock.",
        "test_row_12_retry_after_is_waited_for_and_nothing_is_lost"),
    Row(13, "Primary limit, 403 or 429", "Waits until the reset and shows it; `--no-wait`: exit 5, resumable.",
        "test_row_13_without_waiting_it_stops_with_what_came_and_the_next_ingest_goes_on"),
    Row(14, "Secondary limit without `Retry-After`", "60 s, doubled up to six times, one request at a time; then "
        "exit 5, resumable.",
        "test_row_14_the_secondary_limit_doubles_its_pauses_and_then_one_request_at_a_time"),
    Row(15, "The limit is nearly used up", "50 requests are left to others; waits for the reset.",
        "test_row_15_a_reserve_is_left_to_others_and_the_reset_is_waited_for"),
    Row(16, "No rate headers, or another resource's", "No limit is invented.",
        "test_row_16_where_no_limit_of_ours_is_told_none_is_kept"),
    Row(17, "500 to 504, an HTML page", "Five tries with growing pauses, then that thing has `failed` and is asked "
        "for by the next ingest; ten in a row: exit 5.",
        "test_row_17_one_thing_that_fails_each_time_is_left_for_the_next_ingest"),
    Row(18, "200 with HTML, nothing, or cut JSON", "As 17.",
        "test_row_18_a_page_of_runs_that_is_cut_each_time_is_not_taken_for_the_end_of_the_list"),
    Row(19, "Reset, refused, name not resolved", "As 17; at the very start a clear error at once.",
        "test_row_19_nobody_there_at_the_start_is_said_at_once"),
    Row(20, "Reset in the middle of an archive", "A fresh address from the API, begun anew.",
        "test_rows_20_21_22_27_28_a_download_that_is_damaged_once_is_got_by_a_fresh_address"),
    Row(21, "Truncated archive", "Checksums and directory checked, three tries, then `corrupt`: the bytes are kept, "
        "the jobs' own logs are taken instead.",
        "test_rows_21_22_an_archive_that_is_damaged_each_time_is_kept_and_the_jobs_logs_are_taken_instead"),
    Row(22, "A member with a wrong checksum, or no archive at all", "As 21; sound members are loaded, the bad one is "
        "a problem.",
        "test_row_22_of_an_archive_with_one_damaged_member_the_others_are_loaded"),
    Row(23, "Zip bomb, a million members, `../`, links, duplicates", "Nothing is unpacked to disk; caps on ratio, "
        "size and members: `refused`.",
        "test_row_23_a_hostile_archive_harms_nothing_and_the_rest_is_taken"),
    Row(24, "An archive without step files, or without a job", "The job's file tells all lines; a job that is "
        "missing is got by itself.",
        "test_row_24_a_job_that_the_archive_lacks_is_got_by_itself"),
    Row(25, "A log leads in a circle, to http, `file:`, a private address", "Four hops at most, else `refused` or "
        "`failed` with the host.",
        "test_row_25_a_log_that_leads_where_none_may_lead_is_refused"),
    Row(26, "A redirect to nowhere, or the log itself", "`failed`, asked again; a body that is sent is taken.",
        "test_row_26_a_log_that_the_api_sends_itself_is_taken_and_its_size_recorded"),
    Row(27, "403 of the storage: the address has expired", "A fresh address; no fault of the token.",
        "test_row_27_addresses_that_are_never_accepted_fail_and_are_no_fault_of_the_token"),
    Row(28, "The token at the storage's host", "Never: downloads have a client that knows none.",
        "test_row_28_no_request_for_a_download_says_who_asks"),
    Row(29, "Runs appear while pages are read", "Fixed upper end, each run once; later ones are the next ingest's.",
        "test_row_29_runs_that_appear_while_pages_are_read_shift_none_out"),
    Row(30, "Runs go while pages are read", "The window is gone through again when its count changed.",
        "test_row_30_runs_that_go_while_pages_are_read_hide_no_other"),
    Row(31, "More than 1,000 results", "Listed on from where the search ended, down to a second, then by event; what "
        "stays hidden is counted and said.",
        "test_row_31_more_runs_than_a_search_shows_and_more_in_one_second_are_all_found"),
    Row(32, "`Link` missing, in a circle, to another host", "The next page is asked for once; a circle or another "
        "host ends that list as `failed`.",
        "test_row_32_a_link_that_leads_in_a_circle_or_elsewhere_stops_that_list_and_asks_nobody_else"),
    Row(33, "Our clock is wrong", "Spans and waits go by the server's `Date`; said beyond a minute or so.",
        "test_row_33_a_span_is_counted_from_the_server_s_now"),
    Row(34, "A run is run again during the ingest", "Attempts stay apart; the first one's jobs are kept.",
        "test_row_34_a_run_that_is_run_again_during_the_ingest_keeps_its_first_attempt"),
    Row(35, "An old run is run again", "31 days are listed anew and attempts compared.",
        "test_row_35_an_old_run_that_is_run_again_is_seen"),
    Row(36, "A run in progress", "Provisional, without logs; visited until it is over.",
        "test_row_36_a_run_in_progress_is_provisional_and_visited_until_it_is_over"),
    Row(37, "Null or missing fields", "NULL; the JSON is kept.",
        "test_row_37_fields_of_runs_that_are_null_or_missing_are_unknown_and_lose_nothing"),
    Row(38, "A status, conclusion or event nobody documented", "Kept as text; problem `unknown-value` counts it.",
        "test_row_38_values_that_github_has_not_documented_are_kept_and_counted"),
    Row(39, "New fields, other types", "What is no such value is NULL; the JSON is kept; problem `odd-type` "
        "counts them, one for each field.",
        "test_row_39_fields_that_are_new_or_of_another_type_do_no_harm"),
    Row(40, "Times that cannot be", "Kept in the JSON, unknown to all that reckons; `odd-times` counts them.",
        "test_row_40_times_that_cannot_be_are_kept_and_stop_nothing"),
    Row(41, "A gigabyte, 100,000 members, a line without end", "Streamed and capped; less than 300 MB of memory.",
        "test_row_41_an_archive_of_a_gigabyte_takes_less_than_300_mb"),
    Row(42, "No UTF-8, NUL, CRLF, UTF-16", "Read with replacement; the bytes are kept.",
        "test_row_42_texts_that_are_no_plain_utf_8_are_read"),
    Row(43, "304, also for a body that was lost", "What is remembered; without it asked for again unconditionally.",
        "test_row_43_a_body_that_was_lost_is_asked_for_again"),
    Row(44, "ETags of another token", "The token's fingerprint is part of what is remembered.",
        "test_row_44_another_token_asks_anew"),
    Row(45, "A body that drips or stalls", "A deadline for each request and each download; begun again.",
        "test_row_45_what_does_not_come_to_an_end_is_begun_again"),
    Row(46, "A proxy, one that wants a password, one that refuses", "From the environment; asked once, clear error.",
        "test_row_46_through_a_proxy_named_in_the_environment"),
    Row(47, "Unknown authority, expired, wrong host", "Not tried again; names `SSL_CERT_FILE`; always checked.",
        "test_row_47_a_certificate_that_proves_nothing_stops_at_once"),
    Row(48, "An Enterprise Server without newer endpoints or our API version", "`unavailable` after three; asked "
        "without a version.",
        "test_row_48_an_enterprise_server_without_concurrency_groups_gives_everything_else"),
    Row(49, "SIGINT, SIGTERM", "Finishes what is under way, commits, exit 130 or 143; the same command goes on.",
        "test_a_signal_ends_it_and_the_same_command_goes_on"),
    Row(50, "SIGKILL at any point", "The next ingest gives the case that an unbroken one gives.",
        "test_killed_at_50_random_points"),
    Row(51, "Disk full", "Stops with a clear error; the case opens, the next ingest goes on.",
        "test_row_51_a_disk_that_is_really_full"),
    Row(52, "The case is locked by another process", "Names the process, exit 1.",
        "test_a_reader_in_another_process_is_named"),
    Row(53, "Two ingests at once", "The second one is told who is first, and ends.",
        "test_a_second_ingest_is_refused_and_the_first_goes_on"),
    Row(54, "A case of a newer program, or no DuckDB file", "Refused and not touched.",
        "test_a_newer_case_is_refused_and_not_touched"),
    Row(55, "A workflow file that is gone, or larger than 1 MB", "Tombstone; raw content.",
        "test_row_55_a_workflow_file_that_is_not_there_has_a_tombstone"),
    Row(56, "Secrets in addresses, messages, logs", "Taken out before anything is kept or said.",
        "test_row_56_neither_token_nor_signature_is_anywhere_in_the_case"),
    Row(57, "Names with `/`, `:`, emoji, 200 characters, twice", "Matched as the archive mangles them; jobs of one "
        "name by their times, then by their order; else a log is given to none of them.",
        "test_row_57_logs_land_at_the_right_job_whatever_its_name"),
    Row(58, "More annotations than a page", "All pages; a page that fails is asked for again. GitHub's own "
        "count is in the check run, which is not fetched: what GitHub itself left out is not known.",
        "test_row_58_all_pages_of_annotations_are_taken"),
)  # fmt: skip


def every_test() -> Iterator[tuple[str, str]]:
    """(file below the repository, name) of every test function."""
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield file.relative_to(ROOT).as_posix(), node.name


def rows_of(name: str) -> set[int]:
    """The rows that a test's name carries: ``test_row_7_…``, ``test_rows_27_and_56_…``, ``test_row_08_09_…``."""
    found = _NUMBERS.match(name)
    return {int(number) for number in re.findall(r"\d+", found[1])} if found else set()


def table() -> Iterator[str]:
    """The rows as lines of a Markdown table."""
    where = {name: file for file, name in every_test()}
    yield "| row | fault | what `ingest` does | test |"
    yield "| ---: | --- | --- | --- |"
    for row in ROWS:
        yield f"| {row.number} | {row.fault} | {row.does} | [{row.test}](../{where[row.test]}) |"
