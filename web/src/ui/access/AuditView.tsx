/** To come. */
export function AuditView() {
  return <p>Audit</p>;
}
