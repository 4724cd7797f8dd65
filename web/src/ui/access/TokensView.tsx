import { useMemo, useState } from "preact/hooks";
import { type MadeToken, PeopleRest, type TokenInfo } from "../../live/peopleRest";
import { moment } from "../../paint/format";
import { usePage } from "../page";
import { Confirm } from "../parts/Confirm";
import { Copyable } from "../parts/Copyable";
import { Dialog } from "../parts/Dialog";
import { Loaded, useLoaded } from "../parts/Loaded";
import { Ago } from "./Ago";
import { grantWords } from "./grantWords";
import { MakeToken } from "./MakeToken";

/** Tokens of programs: made, shown once, revoked. One's own, and to admins those of all. */
export function TokensView() {
  const page = usePage();
  const rest = useMemo(() => new PeopleRest(page.live.rest), [page]);
  const tokens = useLoaded(() => rest.tokens());
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState<MadeToken | null>(null);
  const [revoking, setRevoking] = useState<TokenInfo | null>(null);
  const show = async (token: MadeToken) => {
    setMaking(false);
    setMade(token);
    await tokens.reload();
  };
  const revoke = async (token: TokenInfo) => {
    await rest.revokeToken(token.id);
    await tokens.reload();
  };
  return (
    <>
      <div class="section-head">
        <p class="small">A program shows its token as Authorization: Bearer ht_…</p>
        <button type="button" class="button primary" data-after-dialog onClick={() => setMaking(true)}>
          Make a token
        </button>
      </div>
      <Loaded of={tokens}>
        {(found) =>
          found.length === 0 ? (
            <p class="message">No program has a token yet.</p>
          ) : (
            <ul class="records" aria-label="Tokens">
              {inOrder(found, page.live.hubClock.now()).map((token) => (
                <TokenRecord key={token.id} of={token} revoke={() => setRevoking(token)} />
              ))}
            </ul>
          )
        }
      </Loaded>
      {isMaking && <MakeToken rest={rest} close={() => setMaking(false)} made={show} />}
      {made && <MadeTokenDialog made={made} close={() => setMade(null)} />}
      {revoking && (
        <Confirm
          title={`Revoke the token ${revoking.name}?`}
          text="Whoever uses it is disconnected at once and not let in again. This cannot be undone."
          act="Revoke"
          run={() => revoke(revoking)}
          close={() => setRevoking(null)}
        />
      )}
    </>
  );
}

/** Those that work first, and of both the newest. */
function inOrder(tokens: readonly TokenInfo[], now: number): TokenInfo[] {
  const newest = [...tokens].sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at));
  return [...newest.filter((one) => !isOver(one, now)), ...newest.filter((one) => isOver(one, now))];
}

function isOver(token: TokenInfo, now: number): boolean {
  return token.revoked_at !== null || Date.parse(token.expires_at) <= now;
}

function TokenRecord({ of: token, revoke }: { of: TokenInfo; revoke: () => void }) {
  const page = usePage();
  const { name, owner, revoked_at, expires_at, rights } = token;
  const over = isOver(token, page.live.hubClock.now());
  const isOwn = owner === page.live.session.value?.name;
  return (
    <li class="record" data-over={over}>
      <div class="record-head">
        <strong>{name}</strong>
        <code>{token.kind === "jwt" ? `JWT ${token.id}` : `ht_${token.id}_…`}</code>
        <span class="grow" />
        {over ? (
          <span>{revoked_at ? `Revoked ${moment(revoked_at)}` : `Ended ${moment(expires_at)}`}</span>
        ) : (
          <button type="button" class="button" aria-label={`Revoke ${name}`} onClick={revoke}>
            Revoke
          </button>
        )}
      </div>
      <p>
        {grantWords(token)}
        {rights && `, for ${rights.join(", ")} only`}
      </p>
      <p class="small">
        Made {isOwn ? "" : `by ${owner} `}
        <Ago time={token.created_at} none="" />
        {over ? "" : ` · ends ${moment(expires_at)}`}
        {" · "}
        {token.last_used_at === null ? "never used" : "last used "}
        {token.last_used_at !== null && <Ago time={token.last_used_at} none="" />}
        {token.last_used_from !== null && ` from ${token.last_used_from}`}
      </p>
    </li>
  );
}

function MadeTokenDialog({ made, close }: { made: MadeToken; close: () => void }) {
  const address = new URL("api/v1/devices", document.baseURI).href;
  return (
    <Dialog title="The new token" close={close}>
      <div class="form">
        <Copyable name="token" text={made.token} />
        <p>It is shown this once, and works until {moment(made.expires_at)}. To try it:</p>
        <Copyable name="curl" text={`curl -H 'Authorization: Bearer ${made.token}' ${address}`} />
        <button type="button" class="button primary" onClick={close}>
          Done
        </button>
      </div>
    </Dialog>
  );
}
