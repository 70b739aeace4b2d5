"""Configuration → plan → steps → shards. No stage family is imported here: the registry finds
the built-in ones by name, when they are asked for."""
