"""IAM and STS: who is asking, and whether it is allowed; `localaws.account` knows what to ask."""
