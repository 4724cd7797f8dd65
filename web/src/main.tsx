import { render } from "preact";
import { browserClock } from "./live/clock";
import { Live } from "./live/live";
import { Rest } from "./live/rest";
import "./styles/page.css";
import { App } from "./ui/App";
import { Page, PageProvider } from "./ui/page";

const SUBPROTOCOL = "hub.v1";

const live = new Live({
  clock: browserClock,
  wallTime: Date.now(),
  random: Math.random,
  rest: new Rest((input, init) => fetch(input, init)),
  openSocket: () => {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    return new WebSocket(`${scheme}//${location.host}/api/v1/live`, SUBPROTOCOL);
  },
});

const root = document.getElementById("root");
if (root) {
  render(
    <PageProvider value={new Page(live)}>
      <App />
    </PageProvider>,
    root,
  );
  live.start();
}
