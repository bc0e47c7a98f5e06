"""The outbox keeps a mail as it was sent."""

from email.message import EmailMessage
from pathlib import Path

from localaws.ministack.sns.mailbox import Mailbox


def test_a_long_subject_is_read_as_it_was_written(tmp_path: Path) -> None:
    message = EmailMessage()
    subject = "[model-road] Version 2 of the model waits for your approval for production"
    message["Subject"], message["To"] = subject, "you@example.com"
    message.set_content("text")
    box = Mailbox(tmp_path / "outbox")
    number = box.add(message)
    assert box.mail(number).subject == subject
