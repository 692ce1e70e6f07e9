"""Events of the embedded history as SQLite keeps them: packed, and read as text by whoever opens them through Dagster.

How a text is packed is `packed_text`; that SQLAlchemy packs and unpacks columns is `packed_sqlite`.
"""
