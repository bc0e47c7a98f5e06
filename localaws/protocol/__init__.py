"""HTTP and AWS's protocols, as every server of local AWS speaks them.

asgi, forward     a request read, answered, or passed on to another server
routing           which service a request is for
json_api          AWS's JSON 1.1 protocol, and the documents that it carries
shapes            what botocore's model of a service allows
api_errors        what a request can be answered with when it is not carried out
schedule, times   the expressions of schedules; times as AWS writes them
"""
