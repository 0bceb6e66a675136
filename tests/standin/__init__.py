"""A stand-in GitHub for tests: real sockets, GitHub's own forms, and every fault of the matrix on demand."""

from tests.standin import archives, faults
from tests.standin.builders import dense_world, one_day_world, quiet_world, second_repository, tiny_world
from tests.standin.fault import Fault
from tests.standin.judge import Judge
from tests.standin.server import Seen, StandIn
from tests.standin.state import DROPPED
from tests.standin.world import World

__all__ = [
    "DROPPED",
    "Fault",
    "Judge",
    "Seen",
    "StandIn",
    "World",
    "archives",
    "dense_world",
    "faults",
    "one_day_world",
    "quiet_world",
    "second_repository",
    "tiny_world",
]
