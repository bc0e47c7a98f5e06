"""``local-aws``: the command line.

cli            the commands and their options
client         the clients by which they ask local AWS
images         ``local-aws images``: what stands for AWS's container images
images_parser  the options of ``local-aws images``
job_logs       ``local-aws logs``: what a job writes, and has written
mail           ``local-aws mail``: the e-mails that AWS would have sent
mail_parser    the options of ``local-aws mail``
"""
