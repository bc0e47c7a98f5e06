"""What MiniStack's CloudFormation lacks: types of services that it does not have, provisioned by their APIs as on AWS.

``localaws.ministack`` hooks the provisioners in; they reach the services through boto3, from a worker thread.
"""
