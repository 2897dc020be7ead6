"""The stages of the pipeline, one file each; plan.py lists them in their order."""
