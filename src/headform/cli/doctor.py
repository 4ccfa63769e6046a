"""`headform doctor`: examine the installation, and compile what is compiled once."""

import dataclasses
import json as json_text
from dataclasses import dataclass

from headform import errors


@dataclass(frozen=True)
class Doctor:
    """Examine the installation: versions, cores, memory and its limits, caches, networks and head.

    Exit code 0 if all is well, 6 if something is missing. Nothing is changed without --warm.
    """

    warm: bool = False
    """Compile the kernels that the commands need and keep them, so that no first run has to wait. With HEADFORM_CACHE set to
    a folder, at installation and later, the folder may be read-only afterwards."""
    json: bool = False
    """Print JSON."""

    def run(self) -> int:
        """Print what was found."""
        from headform.cli.diagnosis import Item, examine

        items = examine()
        if self.warm and not any(item.problem for item in items):
            from headform.cli.warm_up import warm_up

            failed = []
            for name, reason in warm_up():
                if not self.json:
                    print(f"compiled: {name}{f' failed: {reason}' if reason else ''}", flush=True)
                if reason:
                    failed.append(f"`headform {name}` failed: {reason}")
            items = [*examine(), *(Item("warm-up", "failed", reason) for reason in failed)]
        problems = [item.problem for item in items if item.problem]
        if self.json:
            print(
                json_text.dumps({"well": not problems, "items": [dataclasses.asdict(item) for item in items]}, indent=2)
            )
        else:
            for item in items:
                print(f"{item.name:<12} {item.value}")
                if item.note:
                    print(f"{'':<12} note: {item.note}")
        if problems:
            count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
            raise errors.ResourceError("installation_faulty", f"{count}: {' '.join(problems)}")
        if not self.json:
            print("all is well")
        return errors.SUCCESS
