"""Amazon S3: the events of its objects.

hooks         the hooks into MiniStack
hooks_events  events with all that S3 says of an object
"""
