"""HTTP, whatever service a request is for.

hooks           the hooks into MiniStack
hooks_transfer  large bodies that come and go
hooks_models    the names and models of AWS's services
"""
