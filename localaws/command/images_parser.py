"""The command line of ``local-aws images``. It imports nothing else: every ``local-aws -h`` builds it."""

import argparse
from typing import Any


def add_images_parser(commands: Any, common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add it; ``action`` will be the name of what is asked for.

    Parameters
    ----------
    commands : the subparsers of ``local-aws``
    common : ArgumentParser
        Its options are those of every command.
    """
    images: argparse.ArgumentParser = commands.add_parser(
        "images",
        parents=[common],
        help="list, install and remove what stands for AWS's container images",
        description="What stands for AWS's container images: an environment with an image's own versions, toolkit and\n"
        "model server, once it is installed; the interpreter of local-aws until then. Without an ACTION it\n"
        "lists them. Installed images are in ~/.cache/localaws/images ($LOCALAWS_IMAGES_DIR), for all state folders.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    images.set_defaults(action="list", format="text")
    images.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    actions = images.add_subparsers(title="actions", metavar="ACTION")
    install = actions.add_parser(
        "install", help="make an image's environment; its Python is the last line of the standard output"
    )
    install.set_defaults(action="install")
    remove = actions.add_parser("remove", help="delete an image's environment; no job may be running in it")
    remove.set_defaults(action="remove")
    for action in (install, remove):
        action.add_argument("names", metavar="NAME", nargs="+", help="such as sagemaker-scikit-learn:1.4-2-py312")
        action.add_argument("--state-dir", metavar="DIR", default=argparse.SUPPRESS, help="not used")
    return images
