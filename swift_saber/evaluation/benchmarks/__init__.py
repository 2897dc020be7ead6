"""The benchmarks: a file or a folder each."""
