"""The command line: one small module per group of commands, thin callers of the engine.

Commands return their exit code and print through the console; what they print is rendered in `conduit.show`.
Anything heavy is imported inside the function that needs it, because imports are most of what a small diff costs.
"""
