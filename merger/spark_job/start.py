"""The script that the engine is given: all else is in the package beside it, and so can be sent to its workers."""

import sys

from spark_job.app import main

if __name__ == "__main__":
    main(sys.argv[1:])
