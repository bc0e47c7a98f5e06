"""The folder of the mails: one file each, in the Internet Message Format (RFC 5322), numbered from 1.

A mail appears under its name when it is complete, so that neither a reader nor a kill finds half of one.
"""

import email
import email.policy
import os
import threading
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

_SUFFIX = ".eml"


@dataclass(frozen=True)
class Mail:
    """A mail in the mailbox.

    Attributes
    ----------
    number : int
        By which commands name it.
    message : EmailMessage
    """

    number: int
    message: EmailMessage

    @property
    def date(self) -> datetime:
        """Return when it was sent."""
        date: datetime = self.message["Date"].datetime
        return date

    @property
    def to(self) -> str:
        """Return the recipient's address, or addresses."""
        return str(self.message["To"])

    @property
    def subject(self) -> str:
        """Return the subject."""
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        """Return the text, without the end of its last line."""
        return str(self.message.get_content()).replace("\r\n", "\n").removesuffix("\n")


# A subject is not folded: read again, it would begin with a space. RFC 5322, 2.1.1, has lines of 998 characters.
_WRITTEN = email.policy.SMTP.clone(max_line_length=998)


class Mailbox:
    """The mails of one local AWS.

    Parameters
    ----------
    path : Path
        The folder; made with the first mail.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def add(self, message: EmailMessage) -> int:
        """Keep a mail, and return its number."""
        with self._lock:
            self.path.mkdir(parents=True, exist_ok=True)
            number = max(self._numbers(), default=0) + 1
            unfinished = self.path / f"{number:06}{_SUFFIX}.{os.getpid()}"
            unfinished.write_bytes(message.as_bytes(policy=_WRITTEN))
            unfinished.replace(self._file(number))
        return number

    def mails(self) -> list[Mail]:
        """Return all mails, the newest last."""
        found = (self.mail(number) for number in sorted(self._numbers()))
        return [mail for mail in found if mail is not None]

    def mail(self, number: int) -> Mail | None:
        """Return the mail with this number; None if there is none."""
        try:
            content = self._file(number).read_bytes()
        except FileNotFoundError:
            return None
        return Mail(number, email.message_from_bytes(content, policy=email.policy.default))

    def clear(self) -> int:
        """Delete all mails, and return how many there were."""
        numbers = self._numbers()
        for number in numbers:
            self._file(number).unlink(missing_ok=True)
        return len(numbers)

    def _numbers(self) -> list[int]:
        return [int(path.stem) for path in self.path.glob(f"*{_SUFFIX}") if path.stem.isdecimal()]

    def _file(self, number: int) -> Path:
        return self.path / f"{number:06}{_SUFFIX}"
