"""AWS's published toolkits as judges: ``python -m tests.toolkits`` runs this project's container scripts under them.

What passes here has to pass on AWS. So every script is run twice, in this project's environment with its own `train`
and `serving`, and in the environment of AWS's image (``local-aws images install``) with AWS's, and has to give the
same.

places     an environment with its programs, and how something is run in it
scripts    the projects whose scripts are run: the sample, and the model of docs/your-model.md; processing and training
servers    this project's server, and AWS's
questions  the requests: content types, Accept headers, bodies, right ones and wrong ones
judgement  what each server answered, held against `serving`; differences that docs/serving.md gives a reason for
__main__   the command, which prints the table
"""
