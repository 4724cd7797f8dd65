import style from "../styles/forms.css?inline";
import { adoptStyle } from "./parts/adoptStyle";
import { Copyable } from "./parts/Copyable";

adoptStyle(style);

const NGINX = `proxy_http_version 1.1;
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection "upgrade";
proxy_set_header Host $http_host;
proxy_set_header X-Forwarded-Proto $scheme;`;

/** What a proxy between browser and hub must pass on, and how to tell it so. */
export function ProxyHelp() {
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
