"""Building a benchmark: from ideas to scenes, from scenes to pools of 25 roles, from pools to scripts.

`pipeline.build` is what others call. The steps are those of Zhang et al. 2024 (*SpeechAgents*, arXiv 2401.03945,
section 3): scenes, role pools, scripts with one style a line; speech is made of the scripts by another command. Every
step is taken by a controller, and nothing that it says becomes part of a benchmark unchecked.
"""
