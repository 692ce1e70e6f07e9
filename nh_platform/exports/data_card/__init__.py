"""The card of an export's folder: what it holds, for people and for machines, with terms and citations.

Add a module here for one more form of the card.
"""
