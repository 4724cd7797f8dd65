interface PickerProps<T extends string> {
  readonly legend: string;
  readonly name: string;
  readonly options: readonly T[];
  readonly chosen: T;
  readonly word: (option: T) => string;
  readonly choose: (option: T) => void;
}

/** One of a few, side by side. */
export function Picker<T extends string>({ legend, name, options, chosen, word, choose }: PickerProps<T>) {
  return (
    <fieldset class="picker">
      <legend>{legend}</legend>
      {options.map((option) => (
        <label key={option}>
          <input type="radio" name={name} checked={option === chosen} onChange={() => choose(option)} />
          <span>{word(option)}</span>
        </label>
      ))}
    </fieldset>
  );
}
