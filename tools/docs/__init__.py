"""The documentation site: `python -m tools.docs` turns the notebooks, with the outputs they store, into _docs/.

subset.py     the part of Quarto's Markdown that the lessons use, refused or written as MyST
lesson.py     one notebook -> one page
reference.py  one module -> one page, from signatures, docments and docstrings
mathsvg.py    TeX -> SVG when the site is built, so that a page loads no program for it
conf.py       Sphinx
"""
