"""Java, which Spark runs on: looked for, never installed from here."""

import os
import re
import shutil
import subprocess
from pathlib import Path

LEAST = 17
HOW = (
    f"ENGINE=spark needs Java {LEAST} or newer: `apt-get install openjdk-17-jre-headless` brings it on Debian and"
    " Ubuntu, `brew install openjdk@17` on macOS; JAVA_HOME names one that is not on the PATH"
)


def find_java() -> Path | None:
    """A Java that is new enough; None where there is none. Each candidate is really run."""
    homes = [Path(home, "bin", "java") for home in (os.environ.get("JAVA_HOME", ""),) if home]
    on_path = shutil.which("java")
    for candidate in [*homes, *([Path(on_path)] if on_path else [])]:
        if _version(candidate) >= LEAST:
            return candidate
    return None


def _version(java: Path) -> int:
    try:
        run = subprocess.run([str(java), "-version"], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', run.stderr + run.stdout)
    return int(found[1]) if found else 0
