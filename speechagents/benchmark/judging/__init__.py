"""Judged metrics: a language model reads or hears a scene, gives a reason and then a score for each criterion.

No model is part of this package and none was at hand when this was written: what is tested is everything around one (a
server that misbehaves in every known way stands in for it). Whether a certain model judges as people do is not known;
`agreement` says how far it agrees with itself, with another model and with what is measured without one.
"""
