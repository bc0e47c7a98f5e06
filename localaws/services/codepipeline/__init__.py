"""CodePipeline: what a pipeline declares in stages and actions is carried out, for real, by the other services.

`structure` checks a pipeline's declaration, and `declarations` keeps it with its versions. An execution (`executions`)
goes through the stages: it waits for each stage to be free, and within a stage the actions run by their run order.
`flow` decides all of this, on documents in the store; `interventions` are the actions of users on it.

The actions are implemented in `actions`, a module for each provider: an action starts something elsewhere (a build, a
stack, an execution of a state machine) and is polled until that has ended. The `Engine` is the one thread that
decides and polls. The start of an action is recorded before it happens, and what it starts has a name derived from
the action's own ID: so after a crash it is found again, not started twice.
"""
