"""What the broker promises of Amazon SQS, row by row, and what shows that it holds.

`rows` lists the promises. A test says with `proves` which of them it shows. `mutants` are brokers that break one promise
each, made by a `proxy` in front of the real one. `kill` runs the tests of a promise against the mutants that break it:
they must fail, or they show nothing. `report` writes `docs/sqs-compatibility.md` from all of this.
"""
