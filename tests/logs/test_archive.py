"""Member names into runs, jobs and steps."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.logs.archive import Grouping, group, match_job


def shown(grouping: Grouping) -> dict[str, list[tuple[object, ...]]]:
    """Each run's jobs: name, ordinal, whether there is a job file, step numbers, whether there is a system.txt."""
    return {
        run.root: [
            (
                job.name,
                job.ordinal,
                bool(job.job_member),
                [step.number for step in job.steps],
                bool(job.system_member),
            )
            for job in run.jobs
        ]
        for run in grouping.runs
    }


def test_the_layout_until_2024() -> None:
    grouping = group(
        [
            "1_build.txt",
            "2_test (a, b).txt",
            "build/1_Set up job.txt",
            "build/4_Build.txt",
            "test (a, b)/1_Set up job.txt",
        ]
    )
    assert shown(grouping) == {"": [("build", 1, True, [1, 4], False), ("test (a, b)", 2, True, [1], False)]}
    step = grouping.runs[0].jobs[0].steps[1]
    assert (step.number, step.name, step.member) == (4, "Build", "build/4_Build.txt")


def test_the_layout_since_2025_without_step_files() -> None:
    names = ["0_build.txt", "build/system.txt", "1_call _ x.txt", "call _ x/system.txt"]
    assert shown(group(names)) == {"": [("build", 0, True, [], True), ("call _ x", 1, True, [], True)]}
    assert group(names).rest == ()


def test_many_runs_below_deep_folders() -> None:
    one, two = "logs/2022/10/12/push/main/abc/Test/368", "logs/2022/10/12/push/main/abc/Test/369"
    names = [f"{one}/1_test.txt", f"{one}/test/1_Set up job.txt", f"{two}/1_test.txt", f"{two}/README.md"]
    grouping = group(names)
    assert shown(grouping) == {one: [("test", 1, True, [1], False)], two: [("test", 1, True, [], False)]}
    assert grouping.rest == (f"{two}/README.md",)


def test_legacy_file_and_matrix_parent() -> None:
    names = [
        "-2147483648_build.txt",
        "1_test.txt",
        "1_test (3.8).txt",
        "build/2_x.txt",
        "test (3.8)/1_Set up job.txt",
    ]
    assert shown(group(names)) == {
        "": [
            ("build", -2147483648, True, [2], False),
            ("test", 1, True, [], False),
            ("test (3.8)", 1, True, [1], False),
        ]
    }


def test_a_zip_without_job_files() -> None:
    names = [
        "cool job/1_a.txt",
        "cool job/2_b.txt",
        "sad job/1_c.txt",
        "__MACOSX/cool job/._1_a.txt",
        "cool job/.DS_Store",
    ]
    grouping = group(names)
    assert shown(grouping) == {"": [("cool job", None, False, [1, 2], False), ("sad job", None, False, [1], False)]}
    assert grouping.rest == ("__MACOSX/cool job/._1_a.txt", "cool job/.DS_Store")


def test_an_extracted_folder_of_one_job_and_folders_of_runs() -> None:
    assert shown(group(["1_Set up job.txt", "2_Build.txt"])) == {"": [("", None, False, [1, 2], False)]}
    assert shown(group(["run-1/1_build.txt", "run-2/1_build.txt"])) == {
        "run-1": [("build", 1, True, [], False)],
        "run-2": [("build", 1, True, [], False)],
    }


def test_backslashes_part_folders() -> None:
    grouping = group(["0_build.txt", "build\\1_Set up job.txt"])
    assert shown(grouping) == {"": [("build", 0, True, [1], False)]}
    assert grouping.runs[0].jobs[0].steps[0].member == "build\\1_Set up job.txt"


def test_cut_and_mangled_folder_names() -> None:
    full = "a very long job name " * 6
    names = [
        f"0_{full.strip()}.txt",
        f"{full[:90].strip()}/1_Set up job.txt",
        "1_call _ x.txt",
        "call  x/1_Set up job.txt",
    ]
    assert [(job.name, bool(job.job_member), len(job.steps)) for job in group(names).runs[0].jobs] == [
        (full.strip(), True, 1),
        ("call _ x", True, 1),
    ]


def test_a_second_file_for_a_step_is_no_member() -> None:
    rest = group(["b/1_Set up job.txt", "b/1_again.txt", "b/1_Set up job.txt"]).rest
    assert sorted(rest) == ["b/1_Set up job.txt", "b/1_again.txt"]


@pytest.mark.parametrize(
    ("in_archive", "jobs", "index"),
    [
        ("build", ["test", "build"], 1),
        ("call  x", ["call / x", "call / y"], 0),
        ("call _ x", ["call / x", "call / y"], 0),
        ("Test (Arm64, Release)  wai", ["test (Arm64, Release) / wait for it", "test (Arm64, Debug) / wait"], 0),
        ("test", ["test (3.8)"], None),
        ("a_b", ["a/b", "a:b"], None),
        ("same", ["same", "same"], None),
        ("😅" * 44 + "\ufffd", ["😅" * 60], None),
        ("Emoji " + "😅" * 42, ["Emoji " + "😅" * 60, "Emojis"], 0),
        ("gone", [], None),
        ("", ["", "x"], None),
    ],
)
def test_match_job(in_archive: str, jobs: list[str], index: int | None) -> None:
    assert match_job(in_archive, jobs) == index


parts = st.text(max_size=4) | st.sampled_from(
    ["build", "test (a, b)", "1_build.txt", "0_x.txt", "2_Set up job.txt", "-1_y.txt", "system.txt", "__MACOSX", "a",
     "r.md", "run 1", ""]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.lists(parts, min_size=1, max_size=4).map("/".join), max_size=25))
def test_every_name_lands_exactly_once(names: list[str]) -> None:
    grouping = group(names)
    landed = list(grouping.rest)
    for run in grouping.runs:
        for job in run.jobs:
            members = [job.job_member, job.system_member, *(step.member for step in job.steps)]
            assert any(members)
            landed += [member for member in members if member is not None]
    assert sorted(landed) == sorted(names)


@settings(deadline=None)
@given(st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=6), st.data())
def test_a_match_is_never_a_job_of_another_name_when_the_exact_one_is_there(
    names: list[str], data: st.DataObject
) -> None:
    if names:
        name = data.draw(st.sampled_from(names))
        found = match_job(name, names)
        assert found is None or names[found] == name or found == names.index(name)


def test_a_number_that_no_step_has_is_no_step():
    names = ["1_deploy.txt", "deploy/1_Set up job.txt", "deploy/99999999999_a.txt"]
    grouping = group(names)
    assert [step.number for step in grouping.runs[0].jobs[0].steps] == [1]
    assert grouping.rest == ("deploy/99999999999_a.txt",)
