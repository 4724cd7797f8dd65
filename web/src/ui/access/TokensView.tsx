/** To come. */
export function TokensView() {
  return <p>Tokens</p>;
}
