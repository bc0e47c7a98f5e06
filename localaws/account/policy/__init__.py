"""IAM's decision about one request, as a pure function of policies and of what is known about the request.

pattern     texts of a policy with wildcards and variables
condition   the operators of ``Condition``
principal   who asks, and whether ``Principal`` or ``NotPrincipal`` means them
document    a policy's JSON as statements; parsed once for each text
decision    what the statements of all policies come to

Nothing here knows where policies or callers come from: `localaws.ministack.iam` brings both.
"""
