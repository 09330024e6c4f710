"""The ledger: the runs of one dataset, the head pointer, what is known of each feed, and notices, in one table.

| partition `dataset`  | sort `run_id`     | item |
|----------------------|-------------------|------|
| `us-covid`           | a run's id        | a run |
| `us-covid#head`      | `head`            | which run is committed, and who is writing |
| `us-covid#head`      | `watch`           | since when a run is expected, where there was none yet |
| `us-covid#feeds`     | a feed's name     | the last copy of the feed |
| `us-covid#notices`   | `{kind}#{about}`  | something to mail that is not a run's end |
| `us-covid#annotations` | `{about}#{time}` | what an operator wrote down about a run or a date |

Every write is conditional: repeating it, or doing it late, changes nothing. What a service writes of a run carries the
trace header of its invocation (`traces`), so that whoever takes the run up next can name its upstream.
"""

from shared.ledger.annotating import Annotating
from shared.ledger.collecting import Collecting
from shared.ledger.committing import Committing
from shared.ledger.mailing import Mailing


class Ledger(Collecting, Committing, Mailing, Annotating):
    """Reads and writes the runs of one dataset."""
