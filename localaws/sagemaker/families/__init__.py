"""The families of resources whose operations are tables: a row makes Describe, List, Delete or all five verbs.

table      the families of which Describe, List or Delete is simple
documents  the families that are nothing but documents: Create and Update are botocore's shapes
"""
