"""Byte-compile a folder: `python bytecode.py FOLDER`. Standard library only; run in a process of its own.

The order and the hash seed are fixed by the caller and by sorting, so that the same sources give the same bytes.
File names in tracebacks are those in Lambda.
"""

import py_compile
import sys
from pathlib import Path


def main(folder: Path) -> None:
    for source in sorted(folder.rglob("*.py")):
        py_compile.compile(
            str(source),
            dfile=f"/var/task/{source.relative_to(folder)}",
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
