"""IAM and STS: who is asking, and whether it is allowed; `localaws.account` knows what to ask.

answers           what the servers beside MiniStack ask it
hooks             the hooks into MiniStack
hooks_accounts    whose account a key belongs to, and what is done in which
hooks_policies    what policies see of a request
hooks_authorizer  decisions about requests to our own services, and of the policies of resources
"""
