"""The services' own code in this process: a backfill merges by the merger's, and tabulates by the api's."""

import sys

from infra.services import ROOT, find_service


def use_code_of(*services: str) -> None:
    """Make `chalicelib` of these services importable; a module's name is unique among all of them."""
    for service in services:
        folder = str(ROOT / find_service(service).name)
        if folder not in sys.path:
            sys.path.append(folder)
