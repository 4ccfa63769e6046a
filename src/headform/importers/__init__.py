"""Third-party head models: one importer per kind, one registry in front."""
