"""A workflow file made ready for many runs: its slots, the names of its jobs, and answers already found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from forensics.concurrency.jobs import Names
from forensics.concurrency.slots import Slot
from forensics.errors import ForensicsError
from forensics.workflow.document import Document
from forensics.workflow.read import read_workflow


@dataclass(frozen=True, eq=False)
class Form:
    """One content of a workflow file."""

    blob: str
    document: Document
    own: Slot | None
    """What stands at the top."""
    called: Slot | None
    """The same, as it holds where the file is called by another."""
    jobs: Mapping[str, Slot]
    """By job id."""
    names: Names

    @property
    def needs_jobs(self) -> bool:
        """Whether its groups depend on which jobs there were."""
        return bool(self.jobs) or any(job.call is not None for job in self.document.jobs)


@dataclass
class Forms:
    """Every file of a case, read when it is first needed."""

    texts: Mapping[str, str]
    paths: Mapping[str, str]
    _made: dict[str, Form | None] = field(default_factory=dict)

    def get(self, blob: str | None) -> Form | None:
        """The file; None where its text is not in the case or is no workflow."""
        if blob is None or blob not in self.texts:
            return None
        if blob not in self._made:
            self._made[blob] = self._make(blob)
        return self._made[blob]

    def _make(self, blob: str) -> Form | None:
        path = self.paths.get(blob, "")
        try:
            document = read_workflow(self.texts[blob], path)
        except ForensicsError:
            return None
        return make_form(blob, document)


def make_form(blob: str, document: Document) -> Form:
    """The file with its slots."""
    top = document.concurrency
    return Form(
        blob,
        document,
        Slot("workflow", top, document.path) if top is not None else None,
        Slot("called", top, document.path) if top is not None else None,
        {job.id: Slot("job", job.concurrency, document.path) for job in document.jobs if job.concurrency is not None},
        Names(document),
    )
