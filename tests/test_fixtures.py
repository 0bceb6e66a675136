"""The fixtures are what their README says: small, sound, and with an incident to be found in them."""

from pathlib import Path

from forensics import pipeline
from forensics.config import Config
from forensics.model import Silent
from forensics.store.store import Store

FIXTURES = Path(__file__).parents[1] / "fixtures"


def test_two_releases_of_one_version(tmp_path):
    config = Config(tmp_path / "case", workers=1)
    summary = pipeline.ingest_files(config, [FIXTURES / "two-releases"], Silent())
    assert (summary.runs, summary.jobs, summary.problems) == (2, 2, ())
    assert summary.lines_in == summary.log_lines == 44
    with Store.read(config.database) as store:
        effects = store.query("SELECT run_id, step_number, identity, outcome FROM effects ORDER BY run_id").rows
    assert effects == [
        (31000000001, 3, "rounding@3.1.0", "done"),
        (31000000002, 3, "rounding@3.1.0", "rejected"),
    ]
    found = {finding.detector: finding for finding in pipeline.detect(config).findings}
    assert set(found) == {"duplicate-effect", "overlapping-effects", "overlapping-runs"}
    assert found["duplicate-effect"].target == "npm:rounding"
    # The registry refused the second: a race that was stopped, not one that did harm.
    assert {finding.severity for finding in found.values()} == {"medium"}
