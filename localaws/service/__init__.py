"""What every service of our own is built on: a service is a folder with a table of operations on top of this.

program   a server program: services in a process of their own
server    the HTTP front: which service a request is for, JSON in and out
accounts  the services of each account, which share nothing
service   one service: its table of operations, and the path of a request to one of them
context   the store, the other services, idempotency tokens
outbox    events and metrics that are not lost
tagging   TagResource, UntagResource, ListTagsForResource
"""
