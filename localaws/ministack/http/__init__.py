"""HTTP, whatever service a request is for.

hooks           the hook into MiniStack
hooks_transfer  large bodies that come and go
"""
