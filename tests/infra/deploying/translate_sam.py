"""Run by the local cloud's interpreter, which has the SAM translator: templates in, as CloudFormation would get them.

Standard input: `[{"template": {...}, "parameters": {...}}, ...]`; output: the templates, or what SAM refused.
"""

import json
import logging
import os
import sys
from typing import Any


class _NoManagedPolicies:
    """Names of AWS's managed policies would be asked of IAM; the templates use none."""

    def load(self) -> dict[str, str]:
        return {}


def main() -> None:
    logging.disable(logging.ERROR)
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    from samtranslator.model.exceptions import InvalidDocumentException
    from samtranslator.translator.transform import transform

    answers = list[dict[str, Any]]()
    for wanted in json.load(sys.stdin):
        try:
            answers.append(transform(wanted["template"], wanted["parameters"], _NoManagedPolicies()))
        except InvalidDocumentException as error:
            answers.append({"refused": [cause.message for cause in error.causes]})
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
