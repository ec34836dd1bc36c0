"""The routes of docs/api.md, one file a resource."""
