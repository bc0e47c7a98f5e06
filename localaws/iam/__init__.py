"""IAM, as the servers of our own need it: who asks, what has to be allowed, and as whom a service does it.

    authorization    what a request needs to be allowed
    guard            what stands before a server, and asks
    permission       the same question without a request
    roles            the roles that services act as, and their credentials
    git_credentials  how git names its user

MiniStack decides: ``localaws.ministack.iam`` hooks all of this to it.
"""
