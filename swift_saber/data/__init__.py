"""Rows of JSONL and folders of clips: in, out, resumable."""
