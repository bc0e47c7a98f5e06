"""What the containers of several models run, and what their scripts have in common.

`preprocess` and `evaluate` are scripts; the others are imported by scripts, their siblings in the container:
`pipelines.code.read_shared` puts them there. Nothing of it imports anything of this package.

    job               how a script ends: where the reason of a failure goes
    hyperparameters   strings into values, or a sentence about what is wrong
    csv_tables        CSV files into arrays
    model_file        a fitted model on disk, with the code that serves it
    rows              requests of rows into arrays, predictions into answers
    refusals          a wrong request is answered by 4XX under every server
    regression, multiclass   what `evaluate` measures and draws, by kind of problem
"""
