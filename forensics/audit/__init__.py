"""What a workflow's concurrency settings promise, from its file alone: no history, no network.

::

    audit_checkout(path, only=(), workers=1)  every workflow file below a folder, or one file -> Audit
    audit_texts(texts, only=())               the same for files given as text: path -> text
    load_rules()                              the rules with their headers

An audit is made in two passes. The first reads each file by itself: which events start it, which group each run and
job would be in then, and what it does to the world. The second puts the files of one checkout side by side and asks
the rules: ``rules/<id>.yml`` is the header, a function of that id in ``checks/`` the question.
"""

from forensics.audit.finding import Related, Risk
from forensics.audit.rule import Rule, load_rules
from forensics.audit.run import Audit, audit_checkout, audit_texts

__all__ = ["Audit", "Related", "Risk", "Rule", "audit_checkout", "audit_texts", "load_rules"]
