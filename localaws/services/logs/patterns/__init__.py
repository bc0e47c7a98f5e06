"""Filter patterns: of FilterLogEvents, metric filters and subscription filters.

::

    ERROR -"not found"                  terms         `terms`
    { $.level = "ERROR" && $.ms > 8 }   JSON          `json_objects`
    [ip, ..., status = 4*, bytes]       columns       `columns`

What a value is compared with is in `operand`. Source: "Filter pattern syntax" in the CloudWatch Logs User Guide.
"""
