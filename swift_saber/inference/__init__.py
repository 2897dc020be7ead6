"""Answers to questions about clips, in bulk: what is asked, the files that a stopped run goes on with, the processes.

Imports no ms-swift: models/worker.py does, in processes of its own.
"""
