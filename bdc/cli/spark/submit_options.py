"""What people write after `spark-submit` and that can't be written after `bdc spark submit`: each is refused with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from typer import TyperException
from typer.core import TyperCommand

from bdc.errors import BdcError, UsageError

OWN_FAILURE = 125
"""Exit code of bdc's own failures where the others are an application's, as `docker run` has it."""

_KUBERNETES = "applications run on the cluster's own Kubernetes"
_KERBEROS = "the cluster has no Kerberos: an application reads and writes as the cluster's user"

REFUSED: Mapping[str, tuple[str, str]] = {
    "--master": (_KUBERNETES, "leave it out"),
    "--deploy-mode": ("the driver always runs in the cluster", "leave it out"),
    "--remote": ("an application has its own driver", "for Spark Connect: bdc spark connect"),
    "--proxy-user": (_KERBEROS, "leave it out"),
    "--principal": (_KERBEROS, "leave it out"),
    "--keytab": (_KERBEROS, "leave it out"),
    "--queue": ("queues are YARN's", "use --pool: bdc spark pool list shows all"),
    "--supervise": ("it is of Spark's own cluster manager", "--retries N runs it again after a failure"),
    "--total-executor-cores": ("it is of Spark's own cluster manager", "use --executors and --executor-cores"),
    "--kill": ("this submits", "bdc spark kill NAME"),
    "--status": ("this submits", "bdc spark status NAME"),
    "--load-spark-defaults": ("the cluster's defaults are always read, before --properties-file", "leave it out"),
    "--verbose": ("it shows what spark-submit does, which takes no part here", "bdc --debug spark submit ... shows tracebacks of bdc"),
}
"""Option -> why it means nothing here, and what to do."""


class SubmitCommand(TyperCommand):
    """`submit`, which knows spark-submit's words."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The command line; raises UsageError for words that mean nothing here. Its mistakes aren't the application's: they exit 125."""
        try:
            self._refuse(args[: args.index("--")] if "--" in args else args)
            return super().parse_args(ctx, args)
        except (BdcError, TyperException) as error:
            error.exit_code = OWN_FAILURE
            raise

    def _refuse(self, ours: Sequence[str]) -> None:
        for word in ours:
            option = word.partition("=")[0]
            if option in REFUSED:
                reason, remedy = REFUSED[option]
                raise UsageError(f"{option} can't be used: {reason}", remedy)
        self._application_options(ours)

    def _application_options(self, ours: Sequence[str]) -> None:
        """After spark-submit's file everything is the application's, so people write its options there without `--`."""
        known = {name for param in self.params for name in (*param.opts, *param.secondary_opts)} | {"--help"}
        file = next((at for at, word in enumerate(ours) if word.endswith((".py", ".jar")) and not word.startswith("-")), None)
        if file is None:
            return
        for word in ours[file + 1 :]:
            option = word.partition("=")[0]
            if option.startswith("--") and option not in known:
                raise UsageError(
                    f"no such option: {option}",
                    f"options of the application itself come after two dashes: bdc spark submit ... {ours[file]} -- {option} ...",
                )
