"""What `deploy-model doctor` looks at before there is any stack, and how it judges.

    launch        what is to be made: where, by whom, under which names
    caller        whether AWS knows the caller, and who that is
    region        whether the region is there, enabled, and has every service that the templates use
    names         whether what the project will be called is free, and the bucket of its templates there
    quotas        whether the account may run what stages, pipelines, builds and functions need
    permissions   whether who launches it may do what CloudFormation will do in their name
    templates     what the project's templates say of all this

The mechanism is that of `check-project`, deploy/check: a catalog of checks, an examination, a report. What cannot be
known from here is `unknown` and says so by name; it only reads.
"""
