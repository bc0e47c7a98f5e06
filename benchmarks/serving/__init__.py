"""The model server compared with its peers, in one run on one machine.

1. ``workloads``    the models, trained by the project's own pipeline scripts; a request and its correct answer;
2. ``servers``      the servers, how each is started and which protocol it speaks;
3. ``environment``  each peer's own virtual environment, by its pinned ``peers/<name>/requirements.txt``;
4. ``process``      a server's processes: started, queried until the answer is correct, measured, stopped;
5. ``wrk``          the load;
6. ``rounds``       the interleaved rounds, and the measurements;
7. ``report``       the tables.

``python -m benchmarks.serving`` runs it. ``benchmarks.serving_batch`` and ``benchmarks.serving_soak`` are its siblings.
"""
