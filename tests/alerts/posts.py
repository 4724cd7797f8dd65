"""Posts without a hub around them."""

from collections import defaultdict

from hub.alerts.machine import Step
from hub.alerts.post import Post
from hub.alerts.series import DeviceWatch, WatchedMetric
from hub.model import Metric
from hub.model.rule import Rule


class Told:
    """A desk that keeps what posts say."""

    def __init__(self) -> None:
        self.steps: dict[int, list[Step]] = defaultdict(list)
        self.late_times: list[int] = []

    def post(self, series: WatchedMetric, rule: Rule) -> Post:
        """A rule at the series."""
        post = Post(rule, series.device, series)
        series.add(post)
        return post

    def told(self, post: Post, steps: list[Step], now: int) -> None:
        self.steps[id(post)] += steps

    def arm(self, post: Post, due: int) -> None:
        pass

    def late(self, series: WatchedMetric, time: int) -> None:
        self.late_times.append(time)

    def learnt(self, watch: DeviceWatch, metric: Metric) -> None:
        pass

    def forgotten(self, watch: DeviceWatch, name: str, why: str) -> None:
        pass

    def relabelled(self, watch: DeviceWatch) -> None:
        pass

    def closed(self, watch: DeviceWatch) -> None:
        pass
