import json

from infra.deploying.deployed import LogLine, problems_in


def line(text: str) -> LogLine:
    return LogLine(service="merger", function="watch", at_ms=0, text=text)


def test_the_logs_tell_of_errors_first_and_without_the_declaration_of_metrics() -> None:
    fine = json.dumps({"_aws": {"CloudWatchMetrics": []}, "outcome": "ok"})
    bad = json.dumps({"_aws": {"CloudWatchMetrics": []}, "outcome": "LeaseHeld", "error": "run x is being merged"})
    lines = [line("START RequestId: 1"), line(fine), line(bad), line("Traceback (most recent call last):")]
    assert problems_in(lines).splitlines() == [
        '  merger.watch: {"outcome": "LeaseHeld", "error": "run x is being merged"}',
        "  merger.watch: Traceback (most recent call last):",
    ]


def test_without_an_error_they_tell_the_last_lines() -> None:
    lines = [line(json.dumps({"outcome": "ok", "run_id": str(n)})) for n in range(30)]
    assert problems_in([*lines, line("END RequestId: 1")], last=2).splitlines() == [
        '  merger.watch: {"outcome": "ok", "run_id": "28"}',
        '  merger.watch: {"outcome": "ok", "run_id": "29"}',
    ]
