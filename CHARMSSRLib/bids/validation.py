"""Asks the validator of BIDS about a dataset, where it is installed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Optional

from ..errors import InputError

PROGRAM = "bids-validator-deno"


def validator() -> Optional[str]:
    """Path of the validator, beside this Python or on the PATH; None where it is not installed."""
    return shutil.which(PROGRAM, path=str(Path(sys.executable).parent)) or shutil.which(PROGRAM)


def validate(dataset: Path) -> str:
    """Refuse a dataset in which the validator finds errors.

    Returns:
        A sentence where there is something to say, else an empty text.

    Raises:
        InputError: the dataset has errors; with their number and the first.
    """
    program = validator()
    if program is None:
        return f"The dataset is not validated: {PROGRAM} is not installed (python -m pip install {PROGRAM})."
    command = [program, str(dataset), "--json", "--prune", "--ignoreNiftiHeaders", "--ignoreWarnings"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        issues = json.loads(answer.stdout)["issues"]["issues"]
    except (OSError, ValueError, KeyError, TypeError):
        return f"The dataset is not validated: {PROGRAM} gave no answer."
    errors = [issue for issue in issues if issue.get("severity") == "error"]
    if errors:
        first = errors[0]
        what = " ".join(str(part) for part in (first.get("code"), first.get("subCode")) if part)
        count = "an error" if len(errors) == 1 else f"{len(errors)} errors"
        raise InputError(
            f"The BIDS validator finds {count} in {dataset}, first {what} at {first.get('location')};"
            f" mend the dataset, or use --skip-bids-validation."
        )
    return ""
