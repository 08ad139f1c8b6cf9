"""The live stage: a person among agents, over a socket."""
