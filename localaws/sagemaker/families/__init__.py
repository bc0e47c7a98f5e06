"""The families of resources whose operations are tables: a row defines Describe, List, Delete or all five verbs.

table      the families whose Describe, List or Delete is simple
defaults   what Describe says of what a request does not say
documents  the families that are plain documents: Create and Update are botocore's shapes
"""
