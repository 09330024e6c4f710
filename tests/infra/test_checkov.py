"""Every exception from checkov has its reason beside it."""

import re

from infra.services import ROOT


def test_every_check_that_is_left_out_has_its_reason() -> None:
    lines = (ROOT / "infra" / "checkov.yml").read_text().split("skip-check:\n")[1].splitlines()
    assert lines
    assert [line for line in lines if not re.fullmatch(r"  - CKV2?_[A-Z]+_\d+ +# .{20,}", line)] == []
