/**
 * The page. The map, bottom to top; imports point down only, and none goes in a circle:
 *
 *   live/      the live socket, REST, every device with its newest values; knows no DOM
 *   paint/     what changes with each reading: numbers, sparklines and charts, drawn in one animation loop
 *   ui/        what is rendered: App with its header, banner, alerts and preferences; they share page.ts
 *     list/ device/ alerts/ wall/ system/   the views
 *     parts/                        what the views share: dialogs, forms, marks, words
 *   styles/    plain CSS in layers; tokens.css has all colours and sizes
 *
 * All addresses are relative to the page's own, so that a proxy may give the hub any path.
 */
import { render } from "preact";
import { browserClock } from "./live/clock";
import { Live } from "./live/live";
import { Rest } from "./live/rest";
import "./styles/page.css";
import { App } from "./ui/App";
import { Page, PageProvider } from "./ui/page";
import { goWhereWanted } from "./ui/wanted";

const SUBPROTOCOL = "hub.v1";

const live = new Live({
  clock: browserClock,
  wallNow: () => Date.now(),
  random: Math.random,
  rest: new Rest((input, init) => fetch(input, init)),
  startOver: () => location.reload(),
  leaveFor: (address) => location.assign(address),
  openSocket: () => {
    const address = new URL("api/v1/live", document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    return new WebSocket(address, SUBPROTOCOL);
  },
});

goWhereWanted();
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
