"""HTTP, whatever service a request is for.

hooks         the hook into MiniStack
hooks_bodies  large bodies that come and go
"""
