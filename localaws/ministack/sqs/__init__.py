"""Amazon SQS: what its queues tell CloudWatch.

hooks           the hooks into MiniStack
hooks_messages  messages that are received and deleted
metrics         the metrics of queues
"""
