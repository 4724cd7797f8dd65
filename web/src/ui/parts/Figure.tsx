/** A value and before it the mark of a concern, both for `usePainted` to fill. */
export function Figure() {
  return (
    <>
      <span class="concern" role="img" hidden />
      <span class="number ellipsis" />
    </>
  );
}
