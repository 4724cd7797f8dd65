"""Where dashboards watch: the live socket, and the same as Server-Sent Events."""
