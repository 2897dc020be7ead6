"""`swift-saber app`: a page of one's own, where one clip is dropped or recorded and its analysis read as it is written.

Gradio is imported in `page` alone: what is asked and what is shown can be read and tested without it.
"""
