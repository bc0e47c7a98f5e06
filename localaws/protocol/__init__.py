"""HTTP and AWS's protocols, as every server of local AWS speaks them.

asgi, forward     requests read, responses sent, requests passed on to another server
routing           which service a request is for
json_api          AWS's JSON 1.1 protocol
model             botocore's model of a service
shapes            what botocore's model of a service allows
answers           answers that the model does not allow, for the test suite
schedule, times   the expressions of schedules; times as AWS writes them
"""
