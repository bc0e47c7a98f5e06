"""IAM and STS: who is asking, and whether it is allowed; `localaws.account` knows what to ask.

hooks             the hooks into MiniStack
hooks_policies    what policies see of a request
hooks_authorizer  decisions about requests to our own services, and of the policies of resources
"""
