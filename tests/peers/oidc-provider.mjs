// A certified provider of OpenID Connect, for one client: `hub`. Arguments: its port, the hub's address.
// Whoever types a name on its log-in page is that person; what else they are, a line of JSON on standard input
// says: {"groups": {"ada": ["north"]}}. It says {"ready": true} when it listens, and answers each line.
import { createInterface } from "node:readline";
import { Provider } from "oidc-provider";

const [port, hub] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const say = (value) => console.log(JSON.stringify(value));
let groups = {};

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "hub",
      client_secret: "a secret: with+signs",
      grant_types: ["authorization_code", "refresh_token"],
      redirect_uris: [`${hub}/login/oidc/company/callback`],
      post_logout_redirect_uris: [`${hub}/`],
      backchannel_logout_uri: `${hub}/login/oidc/company/backchannel`,
      backchannel_logout_session_required: true,
    },
  ],
  claims: { openid: ["sub"], profile: ["preferred_username", "groups"] },
  conformIdTokenClaims: process.env.GROUPS_IN === "userinfo",
  cookies: { keys: ["only for tests"] },
  features: {
    backchannelLogout: { enabled: true },
    devInteractions: { enabled: true },
    rpInitiatedLogout: { enabled: true },
  },
  issueRefreshToken: async () => true,
  rotateRefreshToken: true,
  // Its own way to ask refuses this machine's addresses, where the hub of a test is.
  fetch: (url, { dispatcher: _, ...options }) => fetch(url, options),
  pkce: { required: () => true },
  findAccount: async (_, sub) => ({
    accountId: sub,
    claims: async () => ({ sub, preferred_username: sub, groups: groups[sub] ?? [] }),
  }),
});
provider.on("server_error", (_, error) => console.error(error));
provider.on("backchannel.error", (_, error) => console.error(error));

provider.listen(Number(port), "127.0.0.1", () => say({ ready: true }));
for await (const line of createInterface({ input: process.stdin })) {
  groups = JSON.parse(line).groups;
  say({ groups });
}
process.exit(0);
