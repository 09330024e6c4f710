#!/bin/sh
# Compile the lock files from what is asked for, with hashes, for every platform; they name no package index.
set -eu
cd "$(dirname "$0")"
compile() {
    ../../.venv-locks/bin/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header \
        --no-annotate --no-emit-index-url "$@"
}
for name in tools tests ministack spark locks checkov; do
    compile "$name.in" --output-file "$name.txt" "$@"
done
for service in fetcher merger notifier api; do
    compile "../../$service/requirements.txt" --output-file "$service.txt" "$@"
done
