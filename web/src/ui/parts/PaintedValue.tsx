/** A value and before it the mark that it is past a threshold; `usePainted` fills both. */
export function PaintedValue() {
  return (
    <>
      <span class="concern" role="img" hidden />
      <span class="number ellipsis" />
    </>
  );
}
