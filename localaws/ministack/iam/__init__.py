"""IAM and STS: who is asking, and whether it is allowed; `localaws.account` knows what to ask.

answers           what the servers beside MiniStack ask it
s3_needs          what a request to S3 needs beside its own action
simulation        the simulations of policies
hooks             the hooks into MiniStack
hooks_accounts    whose account a key belongs to, and what is done in which
hooks_signatures  a request is a key's if it is signed with its secret
hooks_decision    decisions by `localaws.account.policy`
hooks_requests    what MiniStack knows of a request
hooks_policies    what policies see of a request
hooks_s3          what S3 asks for beside a request's action
hooks_grants      KMS: grants and the encryption context
hooks_registry    Docker's requests to ECR
hooks_simulation  simulations by the same evaluator
hooks_authorizer  decisions about requests to our own services, and of the policies of resources
"""
