"""One account, as the services of our own see it: the other services, and who may do what.

    clients          boto3 clients of the other services
    roles            the roles that services act as, and their credentials
    guard            what stands before a server when IAM is enforced, and asks
    authorization    what a request needs to be allowed
    permission       the same question without a request
    git_credentials  how git names its user

MiniStack decides: ``localaws.ministack.iam.hooks_authorizer`` hooks all of this to it.
"""
