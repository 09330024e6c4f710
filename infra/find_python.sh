#!/bin/sh
# Print the path of a Python 3.12 or newer that can make virtual environments; print nothing where there is none.
# Each candidate is really run: a version manager's shim may exist and fail.
check='import sys, venv, ensurepip
assert sys.version_info >= (3, 12)
print(getattr(sys, "_base_executable", sys.executable))'
for candidate in python3.13 python3.12 python3 python python3.14 \
    "$HOME"/.pyenv/versions/3.13*/bin/python3 "$HOME"/.pyenv/versions/3.12*/bin/python3 \
    /usr/local/bin/python3.1[234] /opt/python*/bin/python3; do
    if found=$("$candidate" -c "$check" 2>/dev/null) && [ -n "$found" ]; then
        echo "$found"
        exit 0
    fi
done
exit 1
