"""Publishing: records as a data set that others can load, with the clips that may be given on. Nothing is uploaded.

given.py finds the records and their splits, settings.py says under which licence, clips.py looks at each clip,
rows.py takes out of a row what is of this machine or of a person, labels.py makes a table's columns of labels, forms.py
writes, card.py explains, private.py looks over all that was written, publish.py does one after another.
"""
