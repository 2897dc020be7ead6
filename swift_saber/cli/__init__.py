"""swift-saber COMMAND: a file a command group; arguments only, no logic."""
