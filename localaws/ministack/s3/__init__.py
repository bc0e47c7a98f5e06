"""Amazon S3: its objects' events, names, and what pages of other origins may do.

hooks              the hooks into MiniStack
hooks_events       events with all that S3 says of an object
hooks_keys         names that are too long
hooks_large        large objects
hooks_lists        lists of many objects
hooks_encryption   encryption with KMS
hooks_bucket_cors  a bucket's own CORS configuration
"""
