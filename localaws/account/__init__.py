"""The account, as our own services see it: the other services, and who may do what.

session          the boto3 session from which all clients are made
clients          the other services, as a service or its role reaches them
roles            the roles that services act as, and their credentials
caller           who sends a request, and in which account
guard            asks about each request when IAM is enforced
policy           what policies say about a request
authorization    what a request needs to be allowed
resource_policy  what another account may do with a resource
permission       the same question without a request
git_credentials  how git identifies its user
cfn_lint         where the data of CloudFormation and IAM are

MiniStack knows callers and their policies: `localaws.ministack.iam` connects all of this to it.
"""
