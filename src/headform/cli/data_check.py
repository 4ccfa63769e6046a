"""`headform data check`: a report on prepared samples."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from headform import errors
from headform.io.progress import BatchProgress


@dataclass(frozen=True)
class Check:
    """Read prepared samples and report counts, gaps, doubles and damage; exits with 3 where something is damaged."""

    folder: Positional[Path]
    """Output folder of `headform data prepare`, or any folder of shards."""
    against: Path | None = None
    """Another such folder: people and pictures that are in both are listed."""
    index: bool = False
    """Make a lost or outdated index again from the shards first."""
    json: Annotated[Path | None, arg(name="json")] = None
    """Write the report to this file too."""

    def run(self) -> int:
        """Print the report."""
        from headform.data.shard_index import merge_index
        from headform.data.shard_report import report_on
        from headform.data.shards import ShardSet
        from headform.io.atomic import check_place, write_bytes

        check_place(self.json)
        if self.index:
            merge_index(self.folder)
        samples = ShardSet.open(self.folder)
        against = None if self.against is None else ShardSet.open(self.against)
        with BatchProgress(len(samples), quiet=True) as progress:
            report = report_on(samples, against, done=lambda: progress.end(""))
        for line in report.lines():
            print(line)
        if self.json is not None:
            write_bytes(self.json, (json.dumps(report.to_json(), indent=1) + "\n").encode())
        return errors.SUCCESS if report.whole else errors.InputError.exit_code
