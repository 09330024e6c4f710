"""Gone and come are what two files do not have in common, line by line."""

import io
from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.comparing.changed_lines import find_changed_lines

_LINE = st.sampled_from([b"", b"a", b"b", b"c,1", b"c,2", b"dd", b"a" * 70, b"b" * 700])
_LINES = st.lists(_LINE, max_size=30)


def _is_within(few: Sequence[bytes], many: Sequence[bytes]) -> bool:
    """Whether the one is a subsequence of the other."""
    rest = iter(many)
    return all(line in rest for line in few)


def _lines(data: bytes) -> list[bytes]:
    lines = [line.rstrip(b"\r") for line in data.split(b"\n")[1:]]
    return lines[:-1] if lines and not lines[-1] else lines


@given(before=_LINES, after=_LINES, end=st.sampled_from([b"\n", b"\r\n"]), last=st.tuples(st.booleans(), st.booleans()))
def test_what_is_left_of_both_is_the_same(
    before: list[bytes], after: list[bytes], end: bytes, last: tuple[bool, bool]
) -> None:
    old, new = (
        end.join([b"header", *lines]) + (end if ends else b"")
        for lines, ends in zip((before, after), last, strict=True)
    )
    found = find_changed_lines(io.BytesIO(old), io.BytesIO(new), most=1)
    if found is None:
        return
    assert found.header == b"header"
    assert _is_within(found.gone, _lines(old)) and _is_within(found.come, _lines(new))
    assert Counter(_lines(old)) - Counter(found.gone) == Counter(_lines(new)) - Counter(found.come)


def test_long_files_are_aligned_behind_lines_that_were_put_in() -> None:
    lines = [b"%d,%d" % (n, n * n) for n in range(100_000)]
    fresh = [b"new,%d" % n for n in range(50)]
    old = b"\n".join([b"header", *lines])
    new = b"\n".join([b"header", *lines[:70_000], *fresh, *lines[70_003:], b"last,1"])
    found = find_changed_lines(old, new, most=0.05)
    assert found is not None
    assert (found.gone, found.come) == (lines[70_000:70_003], [*fresh, b"last,1"])


def test_another_header_is_another_file() -> None:
    assert find_changed_lines(b"a,b\n1,2\n", b"a,c\n1,2\n", most=1) is None
