"""What every service of our own is made of: a service is a folder with a table of operations on top of this.

service   what a service is to the server that it runs in
api       all operations of all services of a server, without HTTP
server    the HTTP front
context   the store, the other services and the folder of a service
outbox    events that are not lost
tagging   TagResource, UntagResource, ListTagsForResource
"""
