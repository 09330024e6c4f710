"""The release: of the project, in the API's description, `/health` and every log line. A test holds pyproject to it."""

VERSION = "0.1.0"
"""Major, minor, patch, as https://semver.org has them; a release is tagged `v` and this."""
