/** To come. */
export function PeopleView() {
  return <p>People</p>;
}
