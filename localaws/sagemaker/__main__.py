"""``python -m localaws.sagemaker``: the local SageMaker in a process of its own."""

import sys
from pathlib import Path

from localaws.containers.container import enter_host_namespace
from localaws.containers.warm_home import WarmHome
from localaws.sagemaker.lineage.trial_metrics import SageMakerMetrics
from localaws.sagemaker.service import SageMaker
from localaws.service.program import parser, serve


def main() -> None:
    """Read the options and serve until SIGTERM."""
    options = parser("localaws.sagemaker", "A real SageMaker on this host.", 4567).parse_args()
    scratch = options.state_dir / "mount"
    scratch.mkdir(parents=True, exist_ok=True)
    enter_host_namespace([sys.executable, *sys.orig_argv[1:]], scratch)
    WarmHome(Path(sys.executable), options.state_dir.resolve()).prepare()
    serve(options, [SageMaker, SageMakerMetrics])


if __name__ == "__main__":
    main()
