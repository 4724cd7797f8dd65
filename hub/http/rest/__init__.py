"""REST: each resource, with the shapes of its requests and answers."""
