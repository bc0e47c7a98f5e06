"""The model server beside its peers, in one run on one machine.

1. ``workloads``    the models, trained by the project's own pipeline scripts; a request and its right answer;
2. ``servers``      who is compared, how each is started and in which protocol it is asked;
3. ``environment``  each peer's own virtual environment, by its pinned ``peers/<name>/requirements.txt``;
4. ``process``      a server as processes: started, asked until it answers rightly, weighed, stopped;
5. ``wrk``          the load;
6. ``rounds``       the interleaved rounds, and what was measured;
7. ``report``       the tables.

``python -m benchmarks.serving`` runs it. ``benchmarks.serving_batch`` and ``benchmarks.serving_soak`` are its siblings.
"""
