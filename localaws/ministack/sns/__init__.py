"""Amazon SNS: the e-mails that it would send, as files that any mail program opens.

hooks          the hooks into MiniStack
hooks_email    subscriptions and messages that become e-mails
mails          what SNS sends to a subscription with the protocol ``email`` or ``email-json``
subscriptions  e-mail subscriptions, pending until they are confirmed
console        commands in place of links to AWS's console
mailbox        the folder of mails, ``.localaws/outbox/000001.eml`` and on; ``local-aws mail`` lists it
"""
