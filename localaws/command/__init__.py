"""``local-aws``: the command line.

cli            the commands and their options
client         the clients by which they ask local AWS
images         ``local-aws images``: what stands for AWS's container images
images_parser  the options of ``local-aws images``
logs           ``local-aws logs``: what jobs, builds, functions, endpoints and executions have written
mail           ``local-aws mail``: the e-mails that AWS would have sent
mail_parser    the options of ``local-aws mail``
"""
