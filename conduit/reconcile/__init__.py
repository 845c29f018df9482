"""The reconcile loop: one thread that changes live systems, what wakes it, and what it holds back.

`Worker` carries out passes for whoever asks; `Loop` asks on its own: when a file was saved, a daemon told of a change,
a commit was made, or the interval is over. A trigger carries no data, so a lost one costs one interval and no more.
"""
