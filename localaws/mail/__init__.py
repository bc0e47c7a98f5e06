"""The e-mails that AWS would send, as files that any mail program opens.

`sns` writes what Amazon SNS sends to a subscription with the protocol ``email`` or ``email-json``: the question whether
the subscriber agrees, then each notification. `outbox` keeps them, ``.localaws/outbox/000001.eml`` and on, and
`commands` is ``local-aws mail``, which lists, shows and confirms.
"""
