"""Amazon SQS: what its queues tell CloudWatch.

hooks    what is hooked into MiniStack
metrics  the metrics of queues
"""
