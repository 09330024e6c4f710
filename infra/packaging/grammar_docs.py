"""The grammar of declarations as documents, made from its types: a JSON Schema for editors and a reference for people.

python -m infra grammar        # writes them anew, after the grammar has changed
"""

import json
from collections.abc import Mapping

from infra.services import ROOT
from shared.declaration import json_schema, reference
from shared.sizes import FEEDS

DOCS = ROOT / "infra" / "docs"

_ABOUT = f"""\
# Declarations

A dataset is one TOML file: what its numbers are, and where and how they are published. The datasets that are shipped
are in [shared/datasets](../../shared/datasets); any other file is named by its path, as `DATASET=path/name.toml`. The
file's name is the dataset's. A walk from a URL to a digest is in [Your own feeds](your_own_feeds.md); `make check` says
what a declaration makes of files, and proposes one for a file that has none.

An editor that knows TOML completes and checks a declaration that begins with the address of its
[schema](dataset.schema.json):

    #:schema ../../infra/docs/dataset.schema.json

A key with a default may be left out; there are one to {FEEDS} feeds. A declaration that cannot work is refused in one
line.
"""

_BEHIND = """\
## How files are read

- Columns are found by name, blanks around names and fields do not count. A row is used where every `where` and no
  `where_not` holds; nothing else of the file is looked at, so what is wrong there does no harm.
- A row of the file is a row also where all its measures are blank. Lines without anything in them are passed over.
- Lines are counted from the first of the file: those that are skipped and those that are comments among them.
- A date is a day. Of a timestamp the day counts as it is written; of an `iso-week` its Sunday; of a month, as `%Y-%m`
  writes it, its first day. Names of months are English. A date later than the run's day by more than one period is
  refused.
- A number has digits, a sign, one decimal sign and, where `thousands` is declared, groups of three; `1e3`, `(5)` and
  `5 %` are none. It is kept exactly, as a whole multiple of 10^-decimals in 64 bits.
- `rename` comes before rows are compared: two rows of one date and one name are refused, summed, or the last is taken,
  as `repeated` has it. A sum is that of what is reported; where nothing is, it is null.
- Of a wide file each cell under a date is a row; columns headed otherwise, such as totals at the end, are none.
- What takes no longer than reading the bytes: any delimiter, quotes around whole fields, decimals, signs, thousands,
  timestamps, any format of dates, filters, several columns of a series. What is out of the ordinary (quotes within
  fields, blanks around numbers, more than 15 digits) is read row by row, in blocks of half a MB: one such row costs
  nothing that is felt, a file full of them some five seconds for 20 MB. So are, as a whole, wide files (two seconds),
  three columns of a date, encodings that do not extend ASCII, and files with a key twice that must have it once.
"""


def generated() -> Mapping[str, str]:
    """File name -> text."""
    return {
        "dataset.schema.json": json.dumps(json_schema(), indent=1) + "\n",
        "declarations.md": "\n".join([_ABOUT, "## Keys", "", *reference(), _BEHIND.rstrip(), ""]),
    }


def main(_arguments: list[str]) -> int:
    """Write the documents."""
    for name, text in generated().items():
        (DOCS / name).write_text(text)
    return 0
