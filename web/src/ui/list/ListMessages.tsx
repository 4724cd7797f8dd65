import { count } from "../../paint/format";
import { usePage } from "../page";
import { hashOf } from "../route";

/** The first run: nothing is there yet. */
export function NoDevices() {
  const page = usePage();
  if (!page.rights.value.may("devices:write")) {
    return (
      <div class="message">
        <h3>No devices yet</h3>
        <p>They appear here as soon as a manager adds them.</p>
      </div>
    );
  }
  return (
    <div class="message">
      <h3>No devices yet</h3>
      <p>Add one: it gets an API key, and this page shows what to run to send its first reading.</p>
      <a class="button primary" href={hashOf({ ...page.route.value, isAdding: true })}>
        Add the first device
      </a>
      <p class="small">Where the hub runs, this does the same:</p>
      <pre>
        <code>hub devices add boiler-1</code>
      </pre>
    </div>
  );
}

/** The search leaves nothing. */
export function NoMatch() {
  const page = usePage();
  return (
    <div class="message">
      <h3>No device matches “{page.list.value.search}”</h3>
      <p>Names, ids, labels and states are searched.</p>
      <button type="button" class="button" onClick={() => page.arrange({ search: "" })}>
        Show all {count(page.live.fleet.count())}
      </button>
    </div>
  );
}
