"""What is left out of a huge log changes no effect: tried with every sixth example of all rules."""

import polars as pl

from forensics.effects.condense import Hits, condense
from forensics.effects.extract import JobContext, extract
from forensics.effects.rule import load_rules, own_rules
from forensics.logs.parse import parse

EXAMPLES = [(rule, example) for rule in load_rules().rules for example in rule.examples][::6]


def planted(log: str) -> pl.DataFrame:
    """The example's lines, with much between them that says nothing."""
    lines = parse(log.encode(), "raw").lines.drop("stamped")
    noise = lines.head(1).with_columns(text=pl.lit("nothing out of the ordinary"), level=pl.lit(None, pl.String))
    parts = [pl.concat([lines.slice(at, 1), noise]) for at in range(lines.height)]
    spread = pl.concat([lines, *parts])
    return spread.with_columns(
        line_no=pl.int_range(1, pl.len() + 1, dtype=pl.Int32),
        step_number=pl.when(pl.int_range(pl.len()) % 97 > 5).then((pl.int_range(pl.len()) // 97).cast(pl.Int32)),
        repository=pl.lit("acme/shop"),
        run_id=pl.lit(1, pl.Int64),
        attempt=pl.lit(1, pl.Int32),
        job_id=pl.lit(7, pl.Int64),
    )


def test_effects_are_those_of_the_whole() -> None:
    found = lines = looked_at = 0
    height = 20
    for rule, example in EXAMPLES:
        log = planted(example.log)
        about = {7: JobContext("Release", "deploy")}
        stretches = [log.slice(at, height) for at in range(0, log.height, height)]
        hits = Hits(own_rules())
        for stretch in stretches:
            hits.take(stretch)
        kept = pl.concat([condense(stretch, hits) for stretch in stretches])
        whole = extract(log, own_rules(), about)
        assert extract(kept, own_rules(), about).equals(whole), (rule.id, example.name)
        found += whole.height
        lines += log.height
        looked_at += kept.height
    assert found > 30
    assert looked_at < 0.8 * lines
