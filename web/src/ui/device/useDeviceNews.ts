import { useEffect, useRef } from "preact/hooks";
import type { DeviceNews } from "../../live/watch";
import { usePage } from "../page";

/** Listens to what the open device's channel tells beside readings. */
export function useDeviceNews(listen: (news: DeviceNews) => void): void {
  const page = usePage();
  const watch = page.live.watched.value;
  const newest = useRef(listen);
  newest.current = listen;
  useEffect(() => {
    if (!watch) return;
    const take = (news: DeviceNews) => newest.current(news);
    watch.listeners.add(take);
    return () => {
      watch.listeners.delete(take);
    };
  }, [watch]);
}
