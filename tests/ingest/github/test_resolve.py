"""How few questions it takes to know what the files of runs were."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_files import FOLDER, PATHS, REPOSITORY, Server, run, settle, sha, text, told

from forensics.errors import LimitReached
from forensics.ingest.github.answer import Gone
from forensics.ingest.github.clone import Blob, blob_id
from forensics.ingest.github.files import Resolution, wanted_files

# How few questions


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.sampled_from(["main", "topic"]))
def test_one_file_is_bisected(contents, branch):
    """Exact is right; between is right where no change was taken back; a change costs two looks a halving."""
    path, count = PATHS[0], len(contents)
    server = Server({sha(number): {path: text(path, content)} for number, content in enumerate(contents)})
    resolution = settle(server, [run(number, number, branch=branch) for number in range(count)])
    versions = told(resolution)
    assert (len(versions), resolution.gone, resolution.unasked) == (count, (), 0)
    truth = [blob_id(text(path, content)) for content in contents]
    exact = [number for number in range(count) if versions[path, sha(number)][1] == "exact"]
    for number in range(count):
        blob, source = versions[path, sha(number)]
        if source == "between":
            low = max(place for place in exact if place < number)
            high = min(place for place in exact if place > number)
            taken_back = len(set(truth[low : high + 1])) > 1 and truth[low] == truth[high]
            assert truth[low] == truth[high] == blob
            assert blob == truth[number] or taken_back
        else:
            assert blob == truth[number]
    changes = sum(left != right for left, right in pairwise(truth))
    assert resolution.requests == len(server.asked) == len(set(server.asked))
    assert resolution.requests <= 2 + 2 * changes * math.log2(max(count, 2))
    assert resolution.blobs == {blob_id(data): data for data in (text(path, c) for c in contents)
                                if blob_id(data) in {blob for blob, _ in versions.values()}}  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from([None, 0, 1, 2]), min_size=4, max_size=4), min_size=1, max_size=25),
    st.data(),
    st.booleans(),
)
def test_several_files_share_their_questions(contents, data, lists_folders):
    """Files that come and go, runs of some of them: what is read is right, and everything is accounted for."""
    trees = {
        sha(number): {
            "README": b"",
            **{path: text(path, what) for path, what in zip(PATHS, row, strict=True) if what is not None},
        }
        for number, row in enumerate(contents)
    }
    server = Server(trees, lists_folders=lists_folders)
    places = [(number, path) for number in range(len(contents)) for path in PATHS if path in trees[sha(number)]]
    if not places:
        return
    chosen = data.draw(st.lists(st.sampled_from(places), min_size=1, unique=True))
    branches = data.draw(st.lists(st.sampled_from(["main", "topic"]), min_size=len(contents), max_size=len(contents)))
    runs = [run(number, number, path, branch=branches[number]) for number, path in chosen]
    resolution = settle(server, runs)
    versions = told(resolution)
    assert set(versions) == {(path, sha(number)) for number, path in chosen}
    assert (resolution.gone, resolution.unasked) == ((), 0)
    for (path, commit), (blob, source) in versions.items():
        assert blob == blob_id(resolution.blobs[blob])
        assert source == "between" or blob == blob_id(trees[commit][path])
    assert len(server.asked) == len(set(server.asked))


def planted_history(commits: int = 100, branches: int = 50, changes: Sequence[int] = (20, 50, 80)):
    """A month: pushes to main and pull requests of two commits each, every commit with a run of four workflows."""
    trees, runs = {}, []
    stage = 0
    for number in range(commits + 2 * branches):
        stage += number in {change * (commits + 2 * branches) // 100 for change in changes}
        trees[sha(number)] = {path: text(path, stage if path == PATHS[1] else 0) for path in PATHS}
        place = number // 2
        pull = number % 2
        for path in PATHS[: 3 if number % 4 else 4]:
            event, branch = ("pull_request", f"topic-{place // 2}") if pull else ("push", "main")
            runs.append(run(len(runs), number, path, event, branch))
    return trees, runs


def test_a_month_costs_little():
    trees, runs = planted_history()
    server = Server(trees)
    resolution = settle(server, runs)
    assert len(runs) == 650
    assert (len(resolution.versions), resolution.unasked, resolution.gone) == (650, 0, ())
    wrong = [one for one in resolution.versions if one.blob != blob_id(trees[one.commit][one.path])]
    assert wrong == []
    # 24 for the 100 commits of main, 2 for each of 50 branches; one for each run's file would be 650.
    assert (resolution.requests, len(resolution.blobs)) == (124, 7)
    steady = settle(Server(planted_history(changes=())[0]), runs)
    assert (steady.requests, len(steady.blobs)) == (56, 4)


def test_another_day_asks_for_the_new_alone():
    trees, runs = planted_history()
    first = settle(Server(trees), runs)
    known = {(one.path, one.commit): one.blob for one in first.versions}
    again = Server(trees)
    assert settle(again, runs, known=known) == Resolution()
    trees[sha(900)] = trees[sha(198)] | {PATHS[0]: text(PATHS[0], "newer")}
    trees[sha(901)] = trees[sha(900)]
    more = [run(1000 + number, number, path) for number in (900, 901) for path in PATHS]
    resolution = settle(again, runs + more, known=known)
    # One list, the middle's, and the one content that is new.
    assert (len(resolution.versions), resolution.requests, len(resolution.blobs)) == (8, 3, 1)


def test_the_most_valuable_is_asked_first_and_the_rest_is_counted():
    trees, runs = planted_history(changes=())
    for most in (0, 1, 6, 20, 40):
        server = Server(trees)
        resolution = settle(server, runs, most=most)
        assert len(server.asked) == resolution.requests <= most
        assert len(resolution.versions) + resolution.unasked == 650
        assert {version.blob for version in resolution.versions} == set(resolution.blobs)
    on_main = {one.commit for one in wanted_files(REPOSITORY, "main", runs) if one.is_default}
    few = settle(Server(trees), runs, most=6)
    assert {one.commit for one in few.versions} == on_main


def test_branches_are_asked_at_once():
    trees = {sha(number): {PATHS[0]: text(PATHS[0], number)} for number in range(40)}
    server = Server(trees)
    settle(server, [run(number, number, branch=f"topic-{number}") for number in range(40)])
    assert server.most_at_once == 40


def test_a_branch_follows_from_its_newest_commit_where_the_default_branch_was_steady():
    """Only as far back as the default branch is known: before, the file may have been another."""
    trees = {sha(number): {path: text(path, number == 0) for path in PATHS} for number in range(6)}
    pulls = [run(number, number, path, "pull_request", "topic") for number in (1, 2, 3) for path in PATHS]
    early, late = ([run(at, 4, path) for path in PATHS] + [run(5, 5)] for at in (0, 4))
    assert settle(Server(trees), [*early, *pulls]).requests == 2 + 4 + 1
    assert settle(Server(trees), [*late, *pulls]).requests == 2 + 4 + 2


def test_a_content_that_only_stood_between_is_fetched_too():
    trees = {sha(number): {path: text(path, 0) for path in PATHS} for number in range(3)}
    resolution = settle(Server(trees), [run(0, 0), run(1, 1, PATHS[1]), run(2, 2, PATHS[0]), run(2, 2, PATHS[2])])
    assert told(resolution)[PATHS[1], sha(1)][0] in resolution.blobs
    assert resolution.unasked == 0


# The clone


@dataclass
class PlantedClone:
    """What a clone would say."""

    answers: dict[tuple[str, str], Blob | None]
    repository: str = REPOSITORY

    def read(self, pairs):
        return {pair: blob for pair, blob in self.answers.items() if pair in pairs}


def test_what_a_clone_has_is_not_asked_for():
    path = PATHS[0]
    contents = {number: text(path, number // 5) for number in range(10)}
    server = Server({sha(number): {path: data} for number, data in contents.items()})
    answers = {(path, sha(n)): Blob(blob_id(d), d) for n, d in contents.items() if n != 2}
    # An id without content, as a partial clone has it; and between two that agree, one that is not there.
    answers[path, sha(7)] = Blob(blob_id(contents[7]), None)
    answers = {pair: Blob(blob.sha, None) if pair[1] >= sha(5) else blob for pair, blob in answers.items()}
    resolution = settle(server, [run(number, number) for number in range(10)], clone=PlantedClone(answers))
    versions = told(resolution)
    assert {n: versions[path, sha(n)][0] for n in range(10)} == {n: blob_id(d) for n, d in contents.items()}
    assert [n for n in range(10) if versions[path, sha(n)][1] == "between"] == [2]
    assert server.asked == [(REPOSITORY, path, sha(5))]


def test_what_a_clone_says_is_not_there_is_gone():
    answers = {(PATHS[0], sha(1)): None, (PATHS[1], sha(1)): Blob("0" * 40, None, "symlink")}
    server = Server({})
    resolution = settle(server, [run(0, 1), run(1, 1, PATHS[1])], clone=PlantedClone(answers))
    assert [(one.path, one.state) for one in resolution.gone] == [(PATHS[0], "deleted"), (PATHS[1], "refused")]
    assert server.asked == []


# What is not to be had (fault matrix, row 55)


@pytest.mark.parametrize("kind", ["dir", "symlink", "submodule"])
@pytest.mark.parametrize("files", [1, 2])
def test_what_is_no_file_is_told(kind, files):
    tree = {PATHS[0]: kind, PATHS[1]: text(PATHS[1], 0)}
    server = Server({sha(1): tree})
    resolution = settle(server, [run(n, 1, path) for n, path in enumerate(PATHS[:files])])
    ((repository, path, commit, state, detail),) = resolution.gone
    assert (repository, path, commit, state) == (REPOSITORY, PATHS[0], sha(1), "refused")
    assert f"is a {kind}" in detail
    assert len(resolution.versions) == files - 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b'[{"name": "a.yml", "type": "file", "sha": "x"}]', "a folder"),
        (b"../shared/build.yml", "a symlink"),
        (b'{"on": "push", "jobs": {}}', None),
        (b"build.yml:\n", None),
        (b"[not json", None),
        (b"", None),
    ],
)
def test_raw_answers_that_are_no_file(answer, words):
    server = Server({sha(1): {PATHS[0]: answer}})
    resolution = settle(server, [run(0, 1)])
    if words is None:
        assert resolution.blobs == {blob_id(answer): answer}
    else:
        assert words in resolution.gone[0].detail


def test_a_commit_that_is_gone_hides_nothing_of_the_others():
    path = PATHS[0]
    trees = {sha(number): {path: text(path, number // 4)} for number in range(8) if number not in (0, 7)}
    server = Server(trees)
    resolution = settle(server, [run(number, number) for number in range(8)])
    # The two that are gone, two ends, and the change: what is gone is not taken for a change.
    assert [int(commit, 16) for _, _, commit in server.asked] == [7, 6, 0, 1, 4, 3]
    assert {one.commit: one.state for one in resolution.gone} == {sha(0): "deleted", sha(7): "deleted"}
    assert {int(one.commit, 16): one.blob for one in resolution.versions} == {
        number: blob_id(text(path, number // 4)) for number in range(1, 7)
    }


@pytest.mark.parametrize("state", ["no-permission", "blocked", "failed", "corrupt"])
def test_a_list_that_cannot_be_had_leaves_the_other_commits(state):
    trees = {sha(number): {path: text(path, 0) for path in PATHS} for number in range(3)}
    server = Server(trees, failing={(FOLDER, sha(2)): Gone(state, "No.", 403)})
    resolution = settle(server, [run(number, number, path) for number in range(3) for path in PATHS])
    assert {(one.commit, one.state) for one in resolution.gone} == {(sha(2), state)}
    assert {int(one.commit, 16) for one in resolution.versions} == {0, 1}


def test_a_content_that_cannot_be_had_is_gone_wherever_it_stood():
    trees = {sha(number): {path: text(path, 0) for path in PATHS} for number in range(3)}
    failing = {(PATHS[0], commit): Gone("failed", "It failed.", 500) for commit in trees}
    resolution = settle(Server(trees, failing=failing), [run(n, n, p) for n in range(3) for p in PATHS])
    assert [(one.path, one.state) for one in resolution.gone] == [(PATHS[0], "failed")] * 3


def test_a_pull_request_that_lacks_the_file_ran_anothers():
    trees = {sha(number): {PATHS[1]: text(PATHS[1], 0)} for number in range(9)}
    server = Server(trees)
    runs = [run(number, number, event="pull_request", branch="topic") for number in range(9)]
    resolution = settle(server, runs)
    assert {one.state for one in resolution.gone} == {"deleted"}
    assert (len(resolution.gone), resolution.requests) == (9, 2)


def test_what_was_not_to_be_had_before_is_not_asked_again():
    server = Server({})
    assert settle(server, [run(0, 1)], known={(PATHS[0], sha(1)): None}) == Resolution()
    assert server.asked == []


def test_a_stop_keeps_what_was_got():
    trees, runs = planted_history()
    server = Server(trees)
    stop = LimitReached("The limit is reached.", hint="Run it again.")
    server.failing = {(FOLDER, sha(number)): stop for number in range(1, 200, 2)}
    resolution = settle(server, runs)
    assert resolution.stopped is stop
    assert {int(one.commit, 16) % 2 for one in resolution.versions} == {0}
    assert len(resolution.versions) + resolution.unasked == 650


def test_a_defect_is_not_swallowed():
    server = Server({}, failing={(PATHS[0], sha(1)): ZeroDivisionError("ours")})
    with pytest.raises(ZeroDivisionError):
        settle(server, [run(0, 1)])
