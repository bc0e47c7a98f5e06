"""What the commands of `pipelines` and of `deploy` have in common.

    environment   where the AWS API is, and what is found there already
    options       the options that several commands have
    command       how a command tells an error, and with which status it ends; `errors` has the tree
    live          something that goes on, shown while it does
    quality       the metrics of a version's evaluation

It imports neither of the two.
"""
