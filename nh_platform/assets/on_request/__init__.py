"""Assets of a session that are made only where `also_assets` of ``sources.yaml`` asks for them: one file each.

Add a module with a record `ASSET` here when what it stores is large and read by few. A source says in
`assets_on_request` of its entry which of them it has files for.
"""
