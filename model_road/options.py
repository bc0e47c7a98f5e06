"""The options that say where AWS is. Nothing heavy is imported here, so that `-h` answers at once."""

import argparse


def add_environment_options(parser: argparse.ArgumentParser, role_help: str, local_help: str) -> None:
    """Add --role-arn, --region and --local, which choose an environment of `model_road.environment`."""
    parser.add_argument(*("-role-arn", "--role-arn"), metavar="ARN", help=role_help)
    parser.add_argument("--region", help="AWS region; by default that of the environment or profile")
    parser.add_argument(
        "--local",
        dest="environment",
        action="store_const",
        const="laptop",
        default="account",
        help=local_help,
    )
