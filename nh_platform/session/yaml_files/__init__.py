"""YAML files that people edit: read with the line of every value, checked against a model, written.

Add here what concerns every such file. What a file may state is a pydantic model in the room that reads it.
"""
