"""CodePipeline: what is declared in stages and actions is carried out, for real, by the other services.

A pipeline's declaration is checked by `structure` and kept, with its versions, by `declarations`. An execution
(`executions`) goes through the stages: it waits before a stage until the stage is free, and in a stage its actions run
by their order. All of this is decided by `flow`, on documents in the store; `interventions` is what people do to it.

What an action does is in `actions`, a module for each provider: it begins something elsewhere (a build, a stack, an
execution of a state machine) and is asked, again and again, how far that has come. The `Engine` is the one thread that
decides and asks. Before an action begins, that it begins is written down, and what it began has a name that follows
from the action's own id: after a crash the same thing is found again, not begun twice.
"""
