"""The replay corpus, unpacked once a process."""

import pytest

from tests.proof.corpus import FEEDS, WHY_NOT, Corpus


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """121 days of both feeds; tests that ask for it are skipped where it is not."""
    if not FEEDS.is_dir():
        pytest.skip(WHY_NOT)
    return Corpus(FEEDS / "dev", into=tmp_path_factory.mktemp("dev"))
