"""Amazon SNS: the e-mails that it would send, as files that any mail program opens.

hooks          what is hooked into MiniStack
mails          what SNS sends to a subscription with the protocol ``email`` or ``email-json``
subscriptions  the subscriptions that a topic of a template declares
mailbox        the folder of mails, ``.localaws/outbox/000001.eml`` and on; ``local-aws mail`` lists it
"""
