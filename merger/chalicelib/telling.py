"""What the merger's handlers say of themselves on their line."""

from chalicelib.merge_tools import Outcome
from chalicelib.watching import Watched
from shared.observation import Line


def tell_outcome(line: Line, outcome: Outcome | None) -> None:
    """None: the run waits for other feeds, has ended, or is in other hands."""
    if outcome is None:
        line.bind(outcome="waiting")
        return
    line.bind(outcome="merged", state=outcome.state.value, way=outcome.way)
    line.measure("Count", rejected=int(outcome.state == "REJECTED"), rows_written=outcome.rows_written)
    line.measure("Count", **{f"rows_{name}": number for name, number in outcome.counts.items()})
    line.measure("Bytes", bytes_read=outcome.bytes_read)


def tell_watched(line: Line, watched: Watched) -> None:
    line.bind(ended="; ".join(watched.ended), notices="; ".join(watched.notices))
    line.measure("Count", runs_ended=len(watched.ended), notices_written=len(watched.notices))
