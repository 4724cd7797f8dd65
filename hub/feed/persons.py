"""The people who are connected: what is for one of them goes to all of their dashboards."""

from hub.feed.viewer import Viewer


class Persons:
    """The viewers of those who have logged in, by name. Tokens are nobody's, whatever they are called."""

    def __init__(self) -> None:
        self._viewers: dict[str, set[Viewer]] = {}

    def enter(self, viewer: Viewer) -> None:
        """It is connected."""
        if viewer.principal.is_person:
            self._viewers.setdefault(viewer.principal.name, set()).add(viewer)

    def leave(self, viewer: Viewer) -> None:
        """It is not any more."""
        name = viewer.principal.name
        viewers = self._viewers.get(name, set())
        viewers.discard(viewer)
        if not viewers:
            self._viewers.pop(name, None)

    def is_here(self, name: str) -> bool:
        """Whether a dashboard of theirs is connected."""
        return name in self._viewers

    def tell(self, name: str, kind: str, message: bytes) -> None:
        """Tell all of a person's dashboards; a newer message of the same kind replaces one not yet sent."""
        for viewer in self._viewers.get(name, ()):
            viewer.tell(kind, message)
