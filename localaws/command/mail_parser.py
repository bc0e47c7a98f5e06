"""The command line of ``local-aws mail``. It imports nothing else: every ``local-aws -h`` builds it."""

import argparse
from typing import Any


def add_mail_parser(commands: Any, common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add it; ``action`` will be the name of what is asked for.

    Parameters
    ----------
    commands : the subparsers of ``local-aws``
    common : ArgumentParser
        Its options are those of every command.
    """
    mail: argparse.ArgumentParser = commands.add_parser(
        "mail",
        parents=[common],
        help="list, show and confirm the e-mails that AWS would have sent",
        description="The e-mails that AWS would have sent: from SNS topics, to those who subscribed by e-mail.\n"
        "Without an ACTION it lists them, the newest last. Each is a file in outbox/ of the state folder.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    mail.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    mail.set_defaults(action="list")
    # Accepted after the ACTION as well; what was given before it stays.
    options = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    options.add_argument("--state-dir", metavar="DIR", help="where everything is kept")
    actions = mail.add_subparsers(title="actions", metavar="ACTION")
    show = actions.add_parser("show", parents=[options], help="print a mail")
    show.add_argument("number", metavar="N", type=int, help="its number in the list")
    show.add_argument("--format", choices=("text", "json"), default=argparse.SUPPRESS, help="default: text")
    show.set_defaults(action="show")
    confirm = actions.add_parser("confirm", parents=[options], help="confirm subscriptions, as the link in a mail does")
    who = confirm.add_mutually_exclusive_group(required=True)
    who.add_argument("address", metavar="ADDRESS", nargs="?", help="those of this address")
    who.add_argument("--all", action="store_true", help="those of everybody")
    confirm.set_defaults(action="confirm")
    clear = actions.add_parser("clear", parents=[options], help="delete all mails")
    clear.set_defaults(action="clear")
    return mail
