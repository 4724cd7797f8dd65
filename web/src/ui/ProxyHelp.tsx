import { useState } from "preact/hooks";
import style from "../styles/forms.css?inline";
import { adoptStyle } from "./parts/adoptStyle";
import { Copyable } from "./parts/Copyable";
import { Dialog } from "./parts/Dialog";

adoptStyle(style);

const NGINX = `proxy_http_version 1.1;
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection "upgrade";
proxy_set_header Host $http_host;
proxy_set_header X-Forwarded-Proto $scheme;`;

/** A button that shows what a proxy between browser and hub must pass on, and how to tell it so. */
export function ProxyHelp() {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="button" onClick={() => setOpen(true)}>
        How to set it up
      </button>
      {isOpen && (
        <Dialog title="The hub behind a proxy" close={() => setOpen(false)}>
          <Explanation />
        </Dialog>
      )}
    </>
  );
}

function Explanation() {
  return (
    <div class="form">
      <p>
        Live values come over a WebSocket. It opens only where every proxy on the way passes on the headers
        Upgrade, Connection and Host as the browser sent them. The page goes on trying and connects by itself
        once they do.
      </p>
      <p>nginx leaves all three out until it is told otherwise. Put this beside proxy_pass:</p>
      <Copyable name="for nginx" text={NGINX} />
      <p>
        Caddy, Traefik and haproxy pass them on by themselves. A proxy that ends TLS is also named in the
        hub's http.trusted_proxies. More is in docs/proxies.md, and the hub's log says which header is
        missing.
      </p>
    </div>
  );
}
